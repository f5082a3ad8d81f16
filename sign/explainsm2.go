package sign

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"math/big"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// sm2Lock is an SM2 signature turned into the digest e it is one of: r = e + x1,
// and x1 follows from the public key. Each text then costs digests only.
type sm2Lock struct {
	s   *search
	key *PublicKey
	der []byte
	e   []byte
	how []string
	ids []sm2IDTry
}

// sm2IDTry is an id and its Z_A; without one, e is the SM3 of the text alone.
type sm2IDTry struct {
	id      string
	empty   bool
	none    bool
	za      []byte
	changes []string
}

// pointMath is the arithmetic this file needs of a curve.
type pointMath interface {
	Add(x1, y1, x2, y2 *big.Int) (x, y *big.Int)
	ScalarMult(x1, y1 *big.Int, k []byte) (x, y *big.Int)
	ScalarBaseMult(k []byte) (x, y *big.Int)
}

// newSM2Lock returns nil for what is no SM2 signature in either form.
func newSM2Lock(s *search, sp spelled, k *PublicKey) (l lock) {
	defer func() { // as everywhere around the SM2 library
		if recover() != nil {
			l = nil
		}
	}()
	want := s.expect.form
	if want == "" {
		want = SM2DER
	}
	for _, form := range []SM2Form{SM2DER, SM2Raw} {
		der, problem := form.toDER(sp.bytes)
		if problem != "" {
			continue
		}
		how := slices.Clone(sp.changes)
		if form != want {
			how = append(how, "the signature is "+formName(form)+", not "+formName(want))
		}
		if s.expect.algorithm != "" && s.expect.algorithm != SM2SM3 {
			how = append(how, "the algorithm is "+string(SM2SM3)+", not "+string(s.expect.algorithm))
		}
		e := recoverE(k.material.sm2, der)
		if e == nil {
			return nil
		}
		return &sm2Lock{s: s, key: k, der: der, e: e, how: how, ids: s.sm2IDs(k.material.sm2)}
	}
	return nil
}

func formName(f SM2Form) string {
	if f == SM2Raw {
		return "raw r‖s"
	}
	return "DER"
}

// recoverE computes e = r - x1 with (x1, y1) = sG + (r+s)P. Any r and s have an e, so
// it does not show whether the key is the right one. der is checked.
func recoverE(pub *ecdsa.PublicKey, der []byte) []byte {
	raw, problem := SM2Raw.fromDER(der)
	if problem != "" {
		return nil
	}
	n := new(big.Int).SetBytes([]byte(sm2Order))
	r, s := new(big.Int).SetBytes(raw[:sm2Size]), new(big.Int).SetBytes(raw[sm2Size:])
	t := new(big.Int).Add(r, s)
	if t.Mod(t, n).Sign() == 0 {
		return nil
	}
	point := sm2Numbers(pub)
	px, py := new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])
	var curve pointMath = sm2.P256()
	x1, y1 := curve.ScalarBaseMult(s.FillBytes(make([]byte, sm2Size)))
	x2, y2 := curve.ScalarMult(px, py, t.FillBytes(make([]byte, sm2Size)))
	x, _ := curve.Add(x1, y1, x2, y2)
	e := x.Sub(r, x)
	return e.Mod(e, n).FillBytes(make([]byte, sm2Size))
}

// sm2IDs lists the expected id, the default, none, and no Z_A at all.
func (s *search) sm2IDs(pub *ecdsa.PublicKey) []sm2IDTry {
	want := s.expect.id
	if want == "" {
		want = defaultSM2ID
	}
	tries := []sm2IDTry{{id: want}}
	if want != defaultSM2ID {
		tries = append(tries,
			sm2IDTry{id: defaultSM2ID, changes: []string{"the SM2 id is the default " + defaultSM2ID + ", not yours"}},
			sm2IDTry{id: PaddedSM2ID(want), changes: []string{"the SM2 id is yours filled up with zeros to 16 characters (PaddedSM2ID)"}})
	}
	tries = append(tries,
		sm2IDTry{empty: true, changes: []string{"the SM2 id is empty, as OpenSSL signs without distid"}},
		sm2IDTry{none: true, changes: []string{"there is no Z_A: e is the SM3 of the text alone"}})
	for _, f := range s.idFields() {
		tries = append(tries, sm2IDTry{id: f.Value, changes: []string{"the SM2 id is the value of field " + quote(f.Name)}})
	}
	out := tries[:0]
	for _, t := range tries {
		if !t.none {
			if _, err := sm2ID(t.id, t.empty); err != nil {
				continue
			}
			t.za = newSM2Hash(sm2Numbers(pub), []byte(t.id)).za
		}
		out = append(out, t)
	}
	return out
}

func (l *sm2Lock) fit(text []byte) *fit {
	n := new(big.Int).SetBytes([]byte(sm2Order))
	for _, pre := range l.s.preDigests() {
		message, err := pre.Append(nil, text)
		if err != nil {
			continue
		}
		for _, id := range l.ids {
			h := sm3.New()
			h.Write(id.za)
			h.Write(message)
			e := new(big.Int).SetBytes(h.Sum(nil))
			if !bytes.Equal(e.Mod(e, n).FillBytes(make([]byte, sm2Size)), l.e) {
				continue
			}
			if !id.none && !confirm(RingKey{Key: l.key, SM2ID: id.id, SM2EmptyID: id.empty}, message, l.der) {
				continue
			}
			f := &fit{algorithm: SM2SM3, pre: pre, changes: append(slices.Clone(l.how), id.changes...)}
			f.changes = append(f.changes, l.s.preChange(pre)...)
			return f
		}
	}
	return nil
}

func (l *sm2Lock) note() string {
	return "if the signature was made with the private half of " + l.key.String() + ", its e is " + hexOf(l.e) + ": compare it with SM3(Z_A ‖ text) on the other side"
}

// confirm asks the ring whether signature is one of message. The clock is left out:
// a certificate that has expired explains nothing about a text.
func confirm(k RingKey, message, signature []byte) bool {
	m := k.Key.material
	m.notBefore, m.notAfter = time.Time{}, time.Time{}
	k.Key = &PublicKey{material: m}
	ring, err := NewKeyRing(RingConfig{}, k)
	return err == nil && ring.Verify(context.Background(), message, signature, "") == nil
}

func hexOf(b []byte) string {
	if len(b) > 64 {
		return hex.EncodeToString(b[:64]) + "…"
	}
	return hex.EncodeToString(b)
}
