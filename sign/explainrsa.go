package sign

import (
	"bytes"
	"crypto/md5" //nolint:gosec // to name what a gateway does
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // to name what a gateway does
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// rsaLock is an RSA signature opened once: PKCS#1 v1.5 shows the digest that was
// signed, PSS shows the salt. Each text then costs digests only.
type rsaLock struct {
	s         *search
	key       *PublicKey
	sp        spelled
	algorithm Algorithm
	inner     []byte // the digest, or what stands there without a DigestInfo
	salt      []byte
	how       []string
}

// digestInfos are the prefixes of PKCS#1 v1.5. Source: RFC 8017 section 9.2, note 1.
func digestInfos() []struct {
	algorithm Algorithm
	prefix    string
	size      int
} {
	return []struct {
		algorithm Algorithm
		prefix    string
		size      int
	}{
		{RSASHA256, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", sha256.Size},
		{LegacyRSASHA1, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", sha1.Size},
		{LegacyRSAMD5, "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10", md5.Size},
		{"RSA-SHA512", "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40", sha512.Size},
	}
}

// newRSALock returns nil for what has another length than the key's signatures.
func newRSALock(s *search, sp spelled, k *PublicKey) lock {
	pub := k.material.rsa
	c := new(big.Int).SetBytes(sp.bytes)
	if len(sp.bytes) != pub.Size() {
		return nil
	}
	if c.Cmp(pub.N) >= 0 { // of another key of this size, half the time
		return &rsaLock{s: s, key: k, sp: sp}
	}
	em := c.Exp(c, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, pub.Size()))
	l := &rsaLock{s: s, key: k, sp: sp, how: slices.Clone(sp.changes)}
	if inner, ok := unpad(em); ok {
		l.inner = inner
		for _, d := range digestInfos() {
			if rest, ok := bytes.CutPrefix(inner, []byte(d.prefix)); ok && len(rest) == d.size {
				l.algorithm, l.inner = d.algorithm, rest
			}
		}
		if l.algorithm == "" {
			l.how = append(l.how, "RSA was put over the text's digest without naming it (no DigestInfo): no standard signature")
		}
	} else if l.salt, l.inner, ok = unpadPSS(em, pub); ok {
		l.algorithm = RSAPSSSHA256
	}
	if want := s.expect.algorithm; l.algorithm != "" && l.algorithm != want && want != "" {
		l.how = append(l.how, "the algorithm is "+string(l.algorithm)+", not "+string(want))
	}
	return l
}

// unpad takes 00 01 FF … FF 00 off.
func unpad(em []byte) ([]byte, bool) {
	if len(em) < 11 || em[0] != 0 || em[1] != 1 {
		return nil, false
	}
	end := bytes.IndexByte(em[2:], 0)
	if end < 8 || len(bytes.Trim(em[2:2+end], "\xff")) != 0 {
		return nil, false
	}
	return em[2+end+1:], true
}

// unpadPSS returns salt and H of EMSA-PSS with SHA-256. Source: RFC 8017 section 9.1.2.
func unpadPSS(em []byte, pub *rsa.PublicKey) (salt, h []byte, ok bool) {
	bits := pub.N.BitLen() - 1
	em = em[len(em)-(bits+7)/8:]
	if len(em) < 2*sha256.Size || em[len(em)-1] != 0xbc {
		return nil, nil, false
	}
	db, h := em[:len(em)-sha256.Size-1], em[len(em)-sha256.Size-1:len(em)-1]
	for i := 0; i < len(db); i += sha256.Size {
		mask := sha256.Sum256(binary.BigEndian.AppendUint32(slices.Clone(h), uint32(i/sha256.Size)))
		for j := 0; j < sha256.Size && i+j < len(db); j++ {
			db[i+j] ^= mask[j]
		}
	}
	db[0] &= 0xff >> (8*len(em) - bits)
	db = bytes.TrimLeft(db, "\x00")
	if len(db) == 0 || db[0] != 1 {
		return nil, nil, false
	}
	return db[1:], h, true
}

func (l *rsaLock) fit(text []byte) *fit {
	if l.inner == nil {
		return nil
	}
	for _, pre := range l.s.preDigests() {
		message, err := pre.Append(nil, text)
		if err != nil || !l.matches(message) {
			continue
		}
		f := &fit{algorithm: l.algorithm, pre: pre, changes: slices.Clone(l.how)}
		if l.algorithm != "" && !l.confirmed(message) {
			return nil
		}
		f.changes = append(f.changes, l.s.preChange(pre)...)
		return f
	}
	return nil
}

func (l *rsaLock) matches(message []byte) bool {
	if l.algorithm == RSAPSSSHA256 {
		sum := sha256.Sum256(message)
		h := sha256.New()
		h.Write(make([]byte, 8))
		h.Write(sum[:])
		h.Write(l.salt)
		return bytes.Equal(h.Sum(nil), l.inner)
	}
	if l.algorithm == "" { // the message itself stands there
		return bytes.Equal(message, l.inner)
	}
	return bytes.Equal(plainDigest(l.algorithm, message), l.inner)
}

// confirmed asks the ring, so that what is named is what the ring will accept.
func (l *rsaLock) confirmed(message []byte) bool {
	if l.algorithm == "RSA-SHA512" {
		return true // not of this package; the padding and the digest were compared
	}
	return confirm(RingKey{Key: l.key, Algorithm: l.algorithm, PSSAutoSalt: l.algorithm == RSAPSSSHA256, Legacy1024: true}, message, l.sp.bytes)
}

func (l *rsaLock) note() string {
	switch {
	case l.inner == nil:
		return "the signature was not made with the private half of " + l.key.String() + ": under it there is no padding"
	case l.algorithm == RSAPSSSHA256:
		return "the signature was made with the private half of " + l.key.String() + " with PSS, over a text that was not tried"
	}
	return "the signature was made with the private half of " + l.key.String() + ", over a text with " + nameOf(l.algorithm) + " " + hexOf(l.inner) + ": compare it with that of your text"
}
