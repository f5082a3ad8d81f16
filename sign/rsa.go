package sign

import (
	"crypto"
	_ "crypto/md5" // registers LegacyRSAMD5's digest
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"   // registers LegacyRSASHA1's digest
	_ "crypto/sha256" // registers the digest of the others
	"errors"
	"fmt"
	"math/big"
)

// Sizes of an RSA modulus in bits. Below 2048 a key is legacy and needs the
// owner's word; above 4096 one verification costs an attacker's victim
// milliseconds and no bank uses it.
const (
	rsaMin    = 2048
	rsaMax    = 4096
	rsaLegacy = 1024
)

// rsaMinExponent is F4: signatures under e = 3 have been forged against sloppy
// padding checks for twenty years, and no gateway needs it.
const rsaMinExponent = 65537

// GenerateRSA makes an RSA key of 2048 to 4096 bits (a multiple of 8), e = 65537.
//
// Errors: ErrKey for another size.
func GenerateRSA(bits int) (*PrivateKey, error) {
	if bits < rsaMin || bits > rsaMax || bits%8 != 0 {
		return nil, &KeyError{Source: "GenerateRSA", Problem: fmt.Sprintf("%d bits, want %d to %d", bits, rsaMin, rsaMax)}
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, &KeyError{Source: "GenerateRSA", Problem: "cannot be made", Err: err}
	}
	return &PrivateKey{material: &privateMaterial{rsa: key}}, nil
}

// checkRSANumbers says what is wrong with a modulus and exponent, or nothing. It
// costs nothing, and runs before any parser that might compute with them.
func checkRSANumbers(n, e *big.Int) string {
	switch {
	case n == nil || e == nil || n.Sign() <= 0:
		return "RSA modulus is not positive"
	case n.BitLen() > rsaMax || n.BitLen() < rsaLegacy:
		return fmt.Sprintf("RSA modulus is %d bits, want %d to %d (from %d with Legacy1024)", n.BitLen(), rsaMin, rsaMax, rsaLegacy)
	case n.Bit(0) == 0:
		return "RSA modulus is even"
	case e.BitLen() > 31:
		return "RSA exponent is above 2^31-1"
	case e.Bit(0) == 0 || e.Int64() < rsaMinExponent:
		return fmt.Sprintf("RSA exponent is %d, want an odd number from %d", e, rsaMinExponent)
	}
	return ""
}

// checkRSAUse refuses a short key whose owner did not ask for it.
func checkRSAUse(key *rsa.PublicKey, legacy bool) string {
	if bits := key.N.BitLen(); bits < rsaMin && !legacy {
		return fmt.Sprintf("RSA key is %d bits, want %d to %d; Legacy1024 admits it", bits, rsaMin, rsaMax)
	}
	return ""
}

// rsaScheme is how an RSA key is used.
type rsaScheme struct {
	algorithm Algorithm
	autoSalt  bool
}

// digest is of the whole message.
func (s rsaScheme) digest(message []byte) []byte {
	h := s.algorithm.rsaHash().New()
	h.Write(message)
	return h.Sum(nil)
}

// salt sets a length of 32 bytes both ways, or lets the signer take what fits and
// the verifier what it finds.
func (s rsaScheme) salt() *rsa.PSSOptions {
	if s.autoSalt {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256}
	}
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}

func (s rsaScheme) sign(key *rsa.PrivateKey, message []byte) (signature []byte, err error) {
	if s.algorithm == RSAPSSSHA256 {
		signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, s.digest(message), s.salt())
	} else {
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, s.algorithm.rsaHash(), s.digest(message))
	}
	if err != nil {
		return nil, fmt.Errorf("sign: rsa: %w", err)
	}
	return signature, nil
}

func (s rsaScheme) verify(key *rsa.PublicKey, message, signature []byte) error {
	if s.algorithm == RSAPSSSHA256 {
		return rsa.VerifyPSS(key, crypto.SHA256, s.digest(message), signature, s.salt())
	}
	return rsa.VerifyPKCS1v15(key, s.algorithm.rsaHash(), s.digest(message), signature)
}

// problem says what is wrong with a signature, or nothing.
func (s rsaScheme) problem(key *rsa.PublicKey, message, signature []byte) string {
	if len(signature) != key.Size() {
		return fmt.Sprintf("%d bytes, an RSA signature under this key has %d", len(signature), key.Size())
	}
	if s.verify(key, message, signature) != nil {
		return "does not match this text under this key"
	}
	return ""
}

// newRSAScheme checks that the algorithm works with the key in this process. In
// FIPS 140-only mode MD5 and SHA-1 panic and short keys are errors, which has to be
// known before a payment is in hand; so one verification, of zeros, is tried.
func newRSAScheme(key *rsa.PublicKey, a Algorithm, autoSalt bool) (s rsaScheme, err error) {
	defer recoverProbe(string(a), &err)
	s = rsaScheme{a, autoSalt}
	if err := s.verify(key, nil, make([]byte, key.Size())); !errors.Is(err, rsa.ErrVerification) {
		return s, fmt.Errorf("%s does not work in this process with this key: %w", a, err)
	}
	return s, nil
}
