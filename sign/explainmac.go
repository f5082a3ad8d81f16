package sign

import (
	"context"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // to name what a gateway does
	"crypto/sha1" //nolint:gosec // to name what a gateway does
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"

	"github.com/emmansun/gmsm/sm3"
)

// plainDigest is the digest an algorithm takes of a message, or nil where this
// process may not compute it (FIPS 140-only mode panics).
func plainDigest(a Algorithm, message []byte) (sum []byte) {
	defer func() {
		if recover() != nil {
			sum = nil
		}
	}()
	h := digestOf(a)()
	h.Write(message)
	return h.Sum(nil)
}

// digestOf is the digest inside an algorithm.
func digestOf(a Algorithm) func() hash.Hash {
	switch a {
	case LegacyRSAMD5, LegacyMD5, LegacyHMACMD5:
		return md5.New
	case LegacyRSASHA1, LegacySHA1:
		return sha1.New
	case LegacySHA512, "RSA-SHA512":
		return sha512.New
	case LegacySM3, HMACSM3, SM2SM3:
		return sm3.New
	}
	return sha256.New
}

func nameOf(a Algorithm) string {
	switch a {
	case LegacyRSAMD5:
		return "MD5"
	case LegacyRSASHA1:
		return "SHA-1"
	case "RSA-SHA512":
		return "SHA-512"
	case "":
		return "bytes"
	}
	return "SHA-256"
}

// macLock is a MAC or the digest of a text with the secret in it.
type macLock struct {
	s         *search
	sp        spelled
	verifiers []macTry
}

// macTry is one algorithm whose length fits.
type macTry struct {
	algorithm Algorithm
	verifier  Verifier
	open      bool // a digest without a secret: no MAC at all
}

func newMACLock(s *search, sp spelled) lock {
	l := &macLock{s: s, sp: sp}
	add := func(a Algorithm, v Verifier, err error) {
		if err == nil && len(sp.bytes) == digestOf(a)().Size() {
			l.verifiers = append(l.verifiers, macTry{algorithm: a, verifier: v})
		}
	}
	for _, a := range []Algorithm{HMACSHA256, HMACSM3, LegacyHMACMD5} {
		v, err := NewMAC(MACConfig{Algorithm: a, Secret: s.cfg.Secret})
		add(a, v, err)
	}
	for _, a := range []Algorithm{LegacyMD5, LegacySHA1, LegacySHA256, LegacySM3, LegacySHA512} {
		v, err := NewDigest(DigestConfig{Algorithm: a, Secret: s.cfg.Secret})
		add(a, v, err)
		if err == nil && len(sp.bytes) == digestOf(a)().Size() {
			l.verifiers = append(l.verifiers, macTry{algorithm: a, open: true})
		}
	}
	want := s.expect.algorithm
	slices.SortStableFunc(l.verifiers, func(a, b macTry) int {
		switch {
		case a.algorithm == want && b.algorithm != want:
			return -1
		case b.algorithm == want && a.algorithm != want:
			return 1
		}
		return 0
	})
	return l
}

func (l *macLock) fit(text []byte) *fit {
	for _, pre := range l.s.preDigests() {
		message, err := pre.Append(nil, text)
		if err != nil {
			continue
		}
		for _, v := range l.verifiers {
			f := &fit{algorithm: v.algorithm, pre: pre, changes: slices.Clone(l.sp.changes)}
			if v.open {
				if pre != (PreDigest{}) || !hmac.Equal(plainDigest(v.algorithm, message), l.sp.bytes) {
					continue
				}
				f.changes = append(f.changes, "there is no secret in it: a bare "+string(v.algorithm)+", which anybody can make")
				return f
			}
			if v.verifier.Verify(context.Background(), message, l.sp.bytes, "") != nil {
				continue
			}
			if want := l.s.expect.algorithm; want != "" && want != v.algorithm {
				f.changes = append(f.changes, "the algorithm is "+string(v.algorithm)+", not "+string(want))
			}
			f.changes = append(f.changes, l.s.preChange(pre)...)
			return f
		}
	}
	return nil
}

func (l *macLock) note() string {
	if len(l.verifiers) == 0 {
		return "the signature has " + itoa(len(l.sp.bytes)) + " bytes, which no MAC and no digest of this package has"
	}
	return ""
}

// preDigests lists what may be signed in place of a text, the expected first.
func (s *search) preDigests() []PreDigest {
	all := []PreDigest{
		{}, {HashSHA256, DigestHex}, {HashSHA256, DigestHexUpper}, {HashSHA256, DigestRaw},
		{HashMD5, DigestHex}, {HashMD5, DigestHexUpper}, {HashMD5, DigestRaw},
		{HashSM3, DigestHex}, {HashSM3, DigestHexUpper}, {HashSM3, DigestRaw},
	}
	if i := slices.Index(all, s.expect.pre); i > 0 {
		all[0], all[i] = all[i], all[0]
	}
	return all
}

// preChange says that another thing than expected is signed in place of the text.
func (s *search) preChange(pre PreDigest) []string {
	switch {
	case pre == s.expect.pre:
		return nil
	case pre == (PreDigest{}):
		return []string{"the text itself is signed, not its digest"}
	}
	form := map[DigestForm]string{DigestRaw: "bytes", DigestHex: "lower-case hex", DigestHexUpper: "upper-case hex"}[pre.Form]
	return []string{"digest-then-sign: the " + form + " of the text's " + string(pre.Hash) + " is signed in its place"}
}
