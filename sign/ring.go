package sign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// RingKey is one public key the other side signs with.
type RingKey struct {
	// ID is the serial messages name the key by; unique in the ring. One key
	// may have none, for gateways that name no key.
	ID string
	// Key is the public key. Required.
	Key *PublicKey
	// Algorithm is one that fits the key. Defaults to RSASHA256 or SM2SM3.
	Algorithm Algorithm
	// NotBefore and NotAfter bound, inclusively, when the key is believed.
	// Defaults to the certificate's validity, or no bound for a bare key.
	NotBefore, NotAfter time.Time
	// SM2ID is the other side's id in Z_A, 1 to 8191 bytes; for SM2 keys only.
	// Defaults to 1234567812345678.
	SM2ID string
	// SM2EmptyID expects no id at all, as OpenSSL signs when nobody names one;
	// for SM2 keys only, without SM2ID. Defaults to false.
	SM2EmptyID bool
	// SM2Form is how the other side writes signatures; no other form is
	// believed; for SM2 keys only. Defaults to SM2DER.
	SM2Form SM2Form
	// PSSAutoSalt believes a salt of any length instead of 32 bytes; for
	// RSAPSSSHA256 only. Defaults to false.
	PSSAutoSalt bool
	// Legacy1024 admits an RSA key of 1024 to 2047 bits. Defaults to false.
	Legacy1024 bool
}

// RingConfig is what a ring needs besides its keys. The zero value works.
type RingConfig struct {
	// Now is the clock of the keys' validity. Defaults to time.Now.
	Now func() time.Time
	// Engine verifies SM2 signatures. Defaults to emmansun/gmsm.
	Engine Engine
}

// KeyRing verifies against the keys of one other side, several valid at once
// while one replaces another. Safe for concurrent use; a lookup takes no lock.
// Make one with [NewKeyRing]; the zero value knows no key and goes by time.Now.
type KeyRing struct {
	clock  func() time.Time
	engine Engine
	keys   atomic.Pointer[ringKeys]
}

var _ Verifier = (*KeyRing)(nil)

// ringKeys is an immutable snapshot.
type ringKeys struct {
	byID map[string]*ringKey
	ids  []string
	env  string
}

// ringKey is a key made ready: scheme for RSA, sm2 for SM2.
type ringKey struct {
	RingKey
	scheme rsaScheme
	sm2    sm2Verifier
}

// NewKeyRing makes a ring of at least one key and reports every bad one at once.
//
// Errors: ErrKey for no keys, a missing key, an ID given twice, a validity that
// ends before it begins, an Algorithm the key is not for, a short RSA key without
// Legacy1024, an SM2ID that is too long, an option of SM2 given for RSA or the other
// way round, or an algorithm that does not work in this process.
func NewKeyRing(cfg RingConfig, keys ...RingKey) (*KeyRing, error) {
	r := &KeyRing{clock: cfg.Now, engine: cfg.Engine}
	if err := r.Replace(keys...); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace puts other keys in place of all there are, at once for every caller.
// On an error, those of [NewKeyRing], the ring keeps what it had.
func (r *KeyRing) Replace(keys ...RingKey) error {
	if len(keys) == 0 {
		return &KeyError{Source: "ring", Problem: "no keys: nothing would ever verify"}
	}
	next := &ringKeys{byID: make(map[string]*ringKey, len(keys))}
	var errs []error
	for _, k := range keys {
		entry, err := newRingKey(k, r.engine)
		if err == nil && next.byID[k.ID] != nil {
			err = &KeyError{Source: "ring key " + quote(k.ID), Problem: "the ID is given twice"}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		next.byID[k.ID] = entry
		next.ids = append(next.ids, k.ID)
		next.env = ringEnvironment(next.env, k.Key.Environment())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	slices.Sort(next.ids)
	r.keys.Store(next)
	return nil
}

func newRingKey(k RingKey, engine Engine) (*ringKey, error) {
	source := "ring key " + quote(k.ID)
	if k.Key.Algorithm() == "" {
		return nil, errNoKey(source)
	}
	notBefore, notAfter := k.Key.Validity()
	if k.NotBefore.IsZero() {
		k.NotBefore = notBefore
	}
	if k.NotAfter.IsZero() {
		k.NotAfter = notAfter
	}
	if !k.NotAfter.IsZero() && k.NotAfter.Before(k.NotBefore) {
		return nil, &KeyError{Source: source, Problem: "the validity ends before it begins"}
	}
	entry := &ringKey{RingKey: k}
	problem, err := entry.prepare(engine)
	if err != nil {
		problem = "cannot verify"
	}
	if problem != "" {
		return nil, &KeyError{Source: source, Problem: problem, Err: err}
	}
	return entry, nil
}

// prepare checks how the key is to be used and makes it ready.
func (k *ringKey) prepare(engine Engine) (problem string, err error) {
	k.Algorithm, problem = keyUseOf(k.Key.Algorithm(), k.Algorithm, k.SM2ID, k.SM2EmptyID, k.SM2Form, k.PSSAutoSalt)
	if problem != "" {
		return problem, nil
	}
	if k.Algorithm != SM2SM3 {
		if problem = checkRSAUse(k.Key.material.rsa, k.Legacy1024); problem == "" {
			k.scheme, err = newRSAScheme(k.Key.material.rsa, k.Algorithm, k.PSSAutoSalt)
		}
		return problem, err
	}
	use, err := newSM2Use(engine, k.SM2ID, k.SM2EmptyID, k.SM2Form)
	if err == nil {
		k.sm2, err = use.verifier(sm2Numbers(k.Key.material.sm2))
	}
	return "", err
}

// ringEnvironment lets the strictest mark win: one sandbox key among others makes
// the whole ring one that must not guard real money.
func ringEnvironment(have, next string) string {
	if have == "" || next == "sandbox" {
		return next
	}
	return have
}

// Environment is "sandbox" if any key is a sandbox key, else the first mark found,
// else empty for a ring of production keys.
func (r *KeyRing) Environment() string {
	if s := r.keys.Load(); s != nil {
		return s.env
	}
	return ""
}

// IDs lists the serials in byte order, valid now or not.
func (r *KeyRing) IDs() []string {
	if s := r.keys.Load(); s != nil {
		return slices.Clone(s.ids)
	}
	return nil
}

// Verify returns nil only if signature is one of message under the key called
// keyID, valid now. The ring key decides the algorithm.
//
// An empty keyID stands for the one valid key, and is refused when there are
// more: gateways that name no key have one, and trying several would hide which
// of them a message was believed on and double the price of junk.
//
// Checks run cheapest first: the serial, the clock, the signature's form, then
// the arithmetic, once. ctx is not looked at: nothing here waits.
//
// Errors: *Error (ErrSignature) with Part "serial", "clock" or "signature".
func (r *KeyRing) Verify(_ context.Context, message, signature []byte, keyID string) error {
	refuse := func(part, problem string) error {
		return &Error{Part: part, KeyID: keyID, Digest: digest(message), Problem: problem}
	}
	key, part, problem := r.find(keyID)
	if problem != "" {
		return refuse(part, problem)
	}
	if problem := key.verify(message, signature); problem != "" {
		return refuse(partSignature, problem)
	}
	return nil
}

// find returns the key to verify with, or the part and problem to refuse with.
func (r *KeyRing) find(keyID string) (key *ringKey, part, problem string) {
	s := r.keys.Load()
	if s == nil {
		return nil, partSerial, "the ring has no keys"
	}
	if keyID != "" {
		key := s.byID[keyID]
		if key == nil {
			return nil, partSerial, "unknown key"
		}
		return key, partClock, key.clock(r.now())
	}
	now, valid := r.now(), 0
	for _, k := range s.byID {
		if clock := k.clock(now); clock == "" {
			key, valid = k, valid+1
		} else {
			problem = clock
		}
	}
	switch valid {
	case 1:
		return key, "", ""
	case 0:
		return nil, partClock, problem
	}
	return nil, partSerial, fmt.Sprintf("the message names no key and %d are valid", valid)
}

func (r *KeyRing) now() time.Time {
	if r.clock == nil {
		return time.Now()
	}
	return r.clock()
}

func (k *ringKey) clock(now time.Time) string {
	switch {
	case now.Before(k.NotBefore):
		return "the key is not valid before " + k.NotBefore.UTC().Format(time.RFC3339)
	case !k.NotAfter.IsZero() && now.After(k.NotAfter):
		return "the key is not valid after " + k.NotAfter.UTC().Format(time.RFC3339)
	}
	return ""
}

// verify says what is wrong with a signature, or nothing.
func (k *ringKey) verify(message, signature []byte) string {
	if len(signature) == 0 {
		return "no signature"
	}
	if k.Algorithm != SM2SM3 {
		return k.scheme.problem(k.Key.material.rsa, message, signature)
	}
	return k.sm2.problem(message, signature)
}
