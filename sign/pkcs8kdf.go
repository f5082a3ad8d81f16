package sign

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/scrypt"
)

// Object identifiers of key derivations. Source: RFC 8018 appendix C, RFC 7914
// section 7, GM/T 0006 for SM3.
const (
	oidPBKDF2     = "1.2.840.113549.1.5.12"
	oidScrypt     = "1.3.6.1.4.1.11591.4.11"
	oidHMACSHA1   = "1.2.840.113549.2.7"
	oidHMACSHA256 = "1.2.840.113549.2.9"
	oidHMACSHA512 = "1.2.840.113549.2.11"
	oidHMACSM3    = "1.2.156.10197.1.401.2"
)

// Bounds of scrypt. OpenSSL writes N = 2^14, r = 8, p = 1, which is 16 MiB.
const (
	maxScryptBlocks = 1 << 19 // N·r + r·p, of 128 bytes each: 64 MiB
	maxScryptWork   = 1 << 22 // N·r·p of one file: about two seconds
)

type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int64
	KeyLength  int64       `asn1:"optional"`
	PRF        algorithmID `asn1:"optional"`
}

type scryptParameters struct {
	Salt      []byte
	N, R, P   int64
	KeyLength int64 `asn1:"optional"`
}

// derive makes a key of size bytes out of the password.
func (u *unlock) derive(id algorithmID, size int) ([]byte, error) {
	switch oid := id.Algorithm.String(); oid {
	case oidPBKDF2:
		return u.derivePBKDF2(id.Parameters.FullBytes, size)
	case oidScrypt:
		return u.deriveScrypt(id.Parameters.FullBytes, size)
	default:
		return nil, u.refuse("password to key by %s, want PBKDF2 or scrypt; convert it: %s", shortOID(oid), convertPKCS8)
	}
}

func (u *unlock) derivePBKDF2(parameters []byte, size int) ([]byte, error) {
	var p pbkdf2Parameters
	if err := decode(u.source, parameters, &p); err != nil {
		return nil, err
	}
	if err := u.checkDerived(p.Salt, p.KeyLength, size); err != nil {
		return nil, err
	}
	var h func() hash.Hash
	switch oid := oidOf(p.PRF); oid {
	case "", oidHMACSHA1:
		h = sha1.New
	case oidHMACSHA256:
		h = sha256.New
	case oidHMACSHA512:
		h = sha512.New
	case oidHMACSM3:
		h = sm3.New
	default:
		return nil, u.refuse("PBKDF2 with %s, want HMAC with SHA-1, SHA-256, SHA-512 or SM3", shortOID(oid))
	}
	if err := u.spend(p.Iterations); err != nil {
		return nil, err
	}
	password, err := u.pass()
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(h, string(password), p.Salt, int(p.Iterations), size)
	if err != nil {
		return nil, &KeyError{Source: u.source, Problem: "PBKDF2 does not work in this process", Err: err}
	}
	return key, nil
}

func (u *unlock) deriveScrypt(parameters []byte, size int) ([]byte, error) {
	var p scryptParameters
	if err := decode(u.source, parameters, &p); err != nil {
		return nil, err
	}
	if err := u.checkDerived(p.Salt, p.KeyLength, size); err != nil {
		return nil, err
	}
	if p.N < 2 || p.N&(p.N-1) != 0 || p.R < 1 || p.P < 1 {
		return nil, u.refuse("scrypt parameters out of range")
	}
	// Each factor is bounded before it is multiplied.
	if p.N > maxScryptBlocks || p.R > maxScryptBlocks || p.P > maxScryptBlocks ||
		p.N*p.R+p.R*p.P > maxScryptBlocks {
		return nil, u.refuse("scrypt would take more than %d MiB", maxScryptBlocks>>13)
	}
	if u.work += p.N * p.R * p.P; u.work > maxScryptWork {
		return nil, u.refuse("scrypt would take more than %d blocks", maxScryptWork)
	}
	password, err := u.pass()
	if err != nil {
		return nil, err
	}
	key, err := scrypt.Key(password, p.Salt, int(p.N), int(p.R), int(p.P), size)
	if err != nil {
		return nil, &KeyError{Source: u.source, Problem: "scrypt does not work in this process", Err: err}
	}
	return key, nil
}

func (u *unlock) checkDerived(salt []byte, length int64, size int) error {
	if len(salt) == 0 || len(salt) > maxSaltSize {
		return u.refuse("salt of %d bytes, want 1 to %d", len(salt), maxSaltSize)
	}
	if length != 0 && length != int64(size) {
		return u.refuse("key length %d, the cipher wants %d", length, size)
	}
	return nil
}
