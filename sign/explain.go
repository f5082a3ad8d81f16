package sign

import (
	"slices"
	"strings"
)

// Received is a signed message as it arrived: nothing decoded, nothing trimmed.
type Received struct {
	// Format is what Body is: BodyURLForm, BodyJSON, or BodyNone for bytes that are
	// signed as they are, alone or between lines of headers.
	Format BodyForm
	// Body is the body as received, at most 256 KiB.
	Body []byte
	// Headers are the message's headers, at most 64; names compare regardless of
	// case. Lines such as WeChat Pay v3's are built from those that end in
	// Timestamp and Nonce.
	Headers []Field
	// Method and Target (path and raw query) are those of a request; empty for an
	// answer or a callback.
	Method, Target string
	// Signature is its text as received. Defaults to the value of the field, member
	// or header that gateways put it in: sign, signature, …
	Signature string
}

// ExplainConfig is what the reader of a message knows. At least Key or Secret.
type ExplainConfig struct {
	// Profile is the dialect you believe in. Defaults to fields in byte order,
	// "name=value" joined by "&", empty values and the signature left out; for
	// BodyNone, the body, or lines of timestamp, nonce and body where headers have those.
	Profile *Profile
	// Key is the other side's public key.
	Key *PublicKey
	// OwnKey is your own public key, to tell whether a signature was made with, or
	// is checked with, the key of the wrong side. Defaults to none.
	OwnKey *PublicKey
	// Secret is the shared secret of a MAC or a keyed digest, at most 1024 bytes. It
	// is in nothing that comes back.
	Secret Secret
	// SM2ID is the id you believe in. Defaults to that of Profile, then to
	// 1234567812345678; the default and the empty one are tried besides.
	SM2ID string
}

// Bounds of what Explain looks at and does.
const (
	maxExplainBody    = 256 << 10
	maxExplainHeaders = 64
	maxExplainSecret  = 1024
	// maxExplainTexts and maxExplainBytes bound the texts tried: each costs a few
	// digests, no arithmetic on keys.
	maxExplainTexts = 4000
	maxExplainBytes = 16 << 20
	// maxExplainChanges is how many things may be wrong at once.
	maxExplainChanges = 3
)

// Explain tells why a signature does not verify. It builds the text of the dialect
// you believe in and, if the signature is not one of that text, looks for the text it
// is one of: empty values kept or skipped, values URL-decoded or not, with or without
// sign_type, another charset, order or separator, a digest in place of the text, the
// body written anew, the secret elsewhere, every profile; and for the signature in
// another encoding or form, over another digest, with another SM2 id or padding, or
// under the key of the wrong side. What differs least is named.
//
// It is for a desk, not for a server: never accept a message because a variant
// verifies. The number of variants is bounded (4000 texts, 16 MiB), and the key is
// used at most a dozen times: it opens the signature once to what was signed.
//
// Errors: *FormError for a body or headers above the bounds or a form that cannot be
// read; ErrKey for neither Key nor Secret; *Error with Part "signature" for no
// signature. That nothing verifies is no error but an Explanation without Found.
func Explain(r Received, cfg ExplainConfig) (*Explanation, error) {
	switch {
	case len(r.Body) > maxExplainBody:
		return nil, &FormError{Where: "body", Problem: "longer than 256 KiB"}
	case len(r.Headers) > maxExplainHeaders:
		return nil, &FormError{Where: "headers", Problem: "more than 64"}
	case r.Format > BodyJSON:
		return nil, &FormError{Where: "format", Problem: "unknown"}
	case cfg.Key.Algorithm() == "" && len(cfg.Secret) == 0:
		return nil, &KeyError{Source: "Explain", Problem: "neither a key nor a secret"}
	case len(cfg.Secret) > maxExplainSecret:
		return nil, &KeyError{Source: "Explain", Problem: "secret is longer than 1024 bytes"}
	}
	s, err := newSearch(r, cfg)
	if err != nil {
		return nil, err
	}
	s.run()
	s.out.finish(cfg.Secret)
	return s.out, nil
}

// search is one run of Explain.
type search struct {
	in      Received
	cfg     ExplainConfig
	expect  expectation
	locks   []lock
	seen    map[[32]byte]bool
	bytes   int
	out     *Explanation
	profile []profileText
	// Where the signature was found among the fields, and the timestamp and nonce
	// among the headers.
	sigName, timestamp, nonce string
}

// expectation is what the dialect believed in says besides the text.
type expectation struct {
	algorithm Algorithm
	encoding  Encoding
	form      SM2Form
	id        string
	pre       PreDigest
}

// lock is one signature under one key: it tells whether a text fits.
type lock interface {
	// fit returns how text fits, or nil. It does not keep text.
	fit(text []byte) *fit
	// note says what can be said of the signature without a text, or nothing.
	note() string
}

// fit is how a signature belongs to a text.
type fit struct {
	algorithm Algorithm
	pre       PreDigest
	changes   []string
}

func newSearch(r Received, cfg ExplainConfig) (*search, error) {
	s := &search{in: r, cfg: cfg, seen: map[[32]byte]bool{}, out: &Explanation{}}
	s.in.Signature = strings.TrimSpace(s.in.Signature)
	s.timestamp, s.nonce = s.header("timestamp"), s.header("nonce", "nonce_str", "noncestr")
	if err := s.findSignature(); err != nil {
		return nil, err
	}
	s.expect = expectation{algorithm: cfg.Key.Algorithm(), id: cfg.SM2ID}
	if cfg.Key.Algorithm() == "" {
		s.expect.encoding = HexLower
	}
	if p := cfg.Profile; p != nil {
		s.expect.expectProfile(p)
	}
	s.openLocks()
	return s, nil
}

// header returns the first header whose name is, or ends in "-" and, one of names.
func (s *search) header(names ...string) string {
	for _, h := range s.in.Headers {
		name := strings.ToLower(h.Name)
		for _, want := range names {
			if name == want || strings.HasSuffix(name, "-"+want) {
				return h.Value
			}
		}
	}
	return ""
}

// signatureNames are what gateways call the signature, in small letters.
func signatureNames() []string {
	return []string{"sign", "signature", "key_sign", "sigdat", "sign_value", "signvalue", "signdata", "signature-data", "hmac", "mac"}
}

// findSignature finds the field that holds the signature, and its text if it was
// not given.
func (s *search) findSignature() error {
	fields, err := s.fields(0)
	if err != nil && s.in.Format == BodyURLForm {
		return err
	}
	for _, f := range fields {
		named := slices.Contains(signatureNames(), strings.ToLower(f.Name))
		if s.in.Signature == "" && named {
			s.in.Signature = strings.TrimSpace(f.Value)
		}
		if s.sigName == "" && (named || f.Value != "" && f.Value == s.in.Signature) {
			s.sigName = f.Name
		}
	}
	if s.in.Signature == "" {
		s.in.Signature = strings.TrimSpace(s.header(signatureNames()...))
	}
	if s.in.Signature == "" {
		return &Error{Part: partSignature, Problem: "no signature in the message, and none given"}
	}
	return nil
}

// run tries the expected text, its variants with one, two and three changes, the
// profiles, and stops at the first that fits.
func (s *search) run() {
	s.readProfiles()
	for changes := 0; changes <= maxExplainChanges && !s.done(); changes++ {
		if s.in.Format == BodyJSON && changes > 0 { // more often signed as it is than by its members
			s.tryBodies(changes)
			s.tryFields(changes)
		} else {
			s.tryFields(changes)
			s.tryBodies(changes)
		}
		if changes == 1 {
			s.tryProfiles()
		}
	}
	for _, l := range s.locks {
		if note := l.note(); note != "" && !s.out.Found {
			s.out.Notes = append(s.out.Notes, note)
		}
	}
}

func (s *search) done() bool {
	return s.out.Found || s.out.Tried >= maxExplainTexts || s.bytes >= maxExplainBytes
}

// try sees whether the signature is one of text.
func (s *search) try(text []byte, changes []string) {
	key := sum256(text)
	if len(text) == 0 || s.done() || s.seen[key] {
		return
	}
	s.seen[key] = true
	s.out.Tried++
	s.bytes += len(text)
	if s.out.Text == nil && len(changes) == 0 {
		s.out.Text = slices.Clone(text)
	}
	for _, l := range s.locks {
		if f := l.fit(text); f != nil {
			s.found(text, changes, f)
			return
		}
	}
}

func (s *search) found(text []byte, changes []string, f *fit) {
	o := s.out
	o.Found, o.FoundText = true, slices.Clone(text)
	o.Changes = append(slices.Clone(changes), f.changes...)
	o.Verifies = len(o.Changes) == 0
	o.Algorithm, o.PreDigest = f.algorithm, f.pre
	o.Profiles = s.profilesOf(text, f)
}
