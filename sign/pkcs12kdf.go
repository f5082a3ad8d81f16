package sign

import (
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"math/big"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
)

// Object identifiers of digests. Source: RFC 8017 appendix B.1, GM/T 0006.
const (
	oidSHA1   = "1.3.14.3.2.26"
	oidSHA256 = "2.16.840.1.101.3.4.2.1"
	oidSHA512 = "2.16.840.1.101.3.4.2.3"
	oidSM3    = "1.2.156.10197.1.401"
)

// Purposes of bytes derived by PKCS#12. Source: RFC 7292 appendix B.3.
const (
	pfxForKey = 1
	pfxForIV  = 2
	pfxForMAC = 3
)

type pfxMAC struct {
	Digest struct {
		Algorithm algorithmID
		Digest    []byte
	}
	Salt       []byte
	Iterations int64 `asn1:"optional,default:1"`
}

type pfxParameters struct {
	Salt       []byte
	Iterations int64
}

// pfxCheckMAC checks the file against the password, so that a wrong one is known
// before anything is decrypted. A file may be without.
func (u *unlock) pfxCheckMAC(m pfxMAC, safe []byte) error {
	oid := oidOf(m.Digest.Algorithm)
	var h func() hash.Hash
	switch oid {
	case "":
		return nil
	case oidSHA1:
		h = sha1.New
	case oidSHA256:
		h = sha256.New
	case oidSHA512:
		h = sha512.New
	case oidSM3:
		h = sm3.New
	default:
		return u.refuse("PKCS#12 with MAC %s, want SHA-1, SHA-256, SHA-512 or SM3", shortOID(oid))
	}
	if len(m.Salt) == 0 || len(m.Salt) > maxSaltSize {
		return u.refuse("salt of %d bytes, want 1 to %d", len(m.Salt), maxSaltSize)
	}
	if err := u.spend(m.Iterations); err != nil {
		return err
	}
	password, err := u.pfxPassword()
	if err != nil {
		return err
	}
	defer clear(password)
	key := pfxDerive(h, password, m.Salt, int(m.Iterations), pfxForMAC, h().Size())
	mac := hmac.New(h, key)
	mac.Write(safe)
	if !hmac.Equal(mac.Sum(nil), m.Digest.Digest) {
		return u.wrong()
	}
	return nil
}

// decryptPFX opens data under pbeWithSHAAnd3-KeyTripleDES-CBC, the strongest scheme
// of old PKCS#12 files.
func (u *unlock) decryptPFX(id algorithmID, data []byte) ([]byte, error) {
	var p pfxParameters
	if err := decode(u.source, id.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	if err := u.checkDerived(p.Salt, 0, 0); err != nil {
		return nil, err
	}
	if err := u.checkCBC(des.BlockSize, make([]byte, des.BlockSize), data); err != nil {
		return nil, err
	}
	if p.Iterations > maxIterations { // three blocks are derived; not to overflow
		return nil, u.spend(p.Iterations)
	}
	if err := u.spend(3 * p.Iterations); err != nil {
		return nil, err
	}
	password, err := u.pfxPassword()
	if err != nil {
		return nil, err
	}
	defer clear(password)
	key := pfxDerive(sha1.New, password, p.Salt, int(p.Iterations), pfxForKey, 24)
	defer clear(key)
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, u.refuse("cipher refused: %v", err)
	}
	return u.openCBC(block, pfxDerive(sha1.New, password, p.Salt, int(p.Iterations), pfxForIV, des.BlockSize), data)
}

// maxPFXPassword bounds the password in bytes: each iteration goes over all of it.
const maxPFXPassword = 1024

// pfxPassword is the password as PKCS#12 wants it: UTF-16, big-endian, ending in
// two zero bytes.
func (u *unlock) pfxPassword() ([]byte, error) {
	password, err := u.pass()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(password) || len(password) > maxPFXPassword {
		return nil, &KeyError{Source: u.source, Problem: "the password is not UTF-8 of at most 1024 bytes", Err: ErrPassword}
	}
	units := utf16.Encode([]rune(string(password)))
	b := make([]byte, 0, 2*len(units)+2)
	for _, unit := range units {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return append(b, 0, 0), nil
}

// pfxDerive makes size bytes. Source: RFC 7292 appendix B.2, whose letters it uses.
func pfxDerive(newHash func() hash.Hash, password, salt []byte, iterations, purpose, size int) []byte {
	h := newHash()
	v := h.BlockSize()
	d := make([]byte, v)
	for i := range d {
		d[i] = byte(purpose)
	}
	input := append(fill(salt, v), fill(password, v)...)
	defer clear(input)
	var out []byte
	for {
		h.Reset()
		h.Write(d)
		h.Write(input)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		// I_j = I_j + B + 1 mod 2^(8v), big-endian.
		b := new(big.Int).SetBytes(fill(a, v)[:v])
		b.Add(b, big.NewInt(1))
		for j := 0; j < len(input); j += v {
			sum := new(big.Int).SetBytes(input[j : j+v])
			sum.Add(sum, b)
			sum.SetBit(sum, 8*v, 0)
			sum.FillBytes(input[j : j+v])
		}
	}
}

// fill repeats b up to the next multiple of v bytes; the last copy may be cut.
func fill(b []byte, v int) []byte {
	if len(b) == 0 {
		return nil
	}
	out := make([]byte, 0, (len(b)+v-1)/v*v)
	for len(out) < cap(out) {
		out = append(out, b[:min(len(b), cap(out)-len(out))]...)
	}
	return out
}
