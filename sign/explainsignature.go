package sign

import (
	"net/url"
	"slices"
	"strings"
)

// spelled is a reading of the signature's text.
type spelled struct {
	bytes   []byte
	changes []string
}

// spellings reads the signature in every encoding, that of the expectation first.
func (s *search) spellings() []spelled {
	want := s.expect.encoding
	if want == "" {
		want = Base64
	}
	var all []spelled
	add := func(text string, e Encoding, changes ...string) {
		b, err := e.Decode(text)
		if err != nil || slices.ContainsFunc(all, func(o spelled) bool { return slices.Equal(o.bytes, b) }) {
			return
		}
		if e != want && (e != HexUpper || want != HexLower) && (e != HexLower || want != HexUpper) {
			changes = append(changes, "the signature is in "+e.describe()+", not "+want.describe())
		}
		all = append(all, spelled{b, changes})
	}
	encodings := []Encoding{want, Base64, HexLower, Base64URL, RawBase64, RawBase64URL}
	texts := []struct{ text, change string }{{s.in.Signature, ""}}
	if strings.Contains(s.in.Signature, "%") {
		if decoded, err := url.PathUnescape(s.in.Signature); err == nil {
			texts = append(texts, struct{ text, change string }{decoded, "the signature has to be URL-decoded once"})
		}
	}
	if strings.ContainsAny(s.in.Signature, " \r\n") {
		plus := strings.NewReplacer("\r", "", "\n", "").Replace(s.in.Signature)
		texts = append(texts,
			struct{ text, change string }{strings.ReplaceAll(plus, " ", "+"), `the signature was URL-decoded once too often: its blanks are "+"`},
			struct{ text, change string }{strings.ReplaceAll(plus, " ", ""), "the signature holds blanks or line breaks"})
	}
	for _, t := range texts {
		for _, e := range encodings {
			if t.change == "" {
				add(t.text, e)
			} else {
				add(t.text, e, t.change)
			}
		}
	}
	return all
}

// openLocks opens each reading of the signature under each key.
func (s *search) openLocks() {
	for _, sp := range s.spellings() {
		s.openKey(sp, s.cfg.Key, nil)
		if len(s.cfg.Secret) > 0 {
			s.locks = append(s.locks, newMACLock(s, sp))
		}
		own := s.cfg.OwnKey
		if own.Algorithm() != "" && (s.cfg.Key.Algorithm() == "" || own.String() != s.cfg.Key.String()) {
			s.openKey(sp, own, []string{"the key of the wrong side: it is signed with your own key"})
		}
	}
	if len(s.locks) == 0 {
		s.out.Notes = append(s.out.Notes, s.misfit())
	}
}

func (s *search) openKey(sp spelled, k *PublicKey, changes []string) {
	sp.changes = append(slices.Clone(changes), sp.changes...)
	switch k.Algorithm() {
	case RSASHA256:
		if l := newRSALock(s, sp, k); l != nil {
			s.locks = append(s.locks, l)
		}
	case SM2SM3:
		if l := newSM2Lock(s, sp, k); l != nil {
			s.locks = append(s.locks, l)
		}
	}
}

// misfit says why no reading of the signature can be one of the key.
func (s *search) misfit() string {
	all := s.spellings()
	if len(all) == 0 {
		return "the signature is neither Base64 nor hexadecimal"
	}
	kind := ""
	switch n := len(all[0].bytes); {
	case n == 16:
		kind = ", as an MD5 has"
	case n == 20:
		kind = ", as a SHA-1 has"
	case n == 32:
		kind = ", as a SHA-256, an SM3 or an HMAC of them has"
	case n == sm2RawSize || n >= 68 && n <= 72:
		kind = ", as an SM2 signature has"
	case n >= 128 && n%64 == 0:
		kind = ", as RSA makes"
	}
	return "the signature does not have the form of the key's (" + string(s.cfg.Key.Algorithm()) + "): it has " + itoa(len(all[0].bytes)) + " bytes" + kind
}
