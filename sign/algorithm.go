package sign

import (
	"crypto"
	"fmt"
	"slices"
)

// Algorithm names how a text is digested and signed. It is configured with the
// key, and compared with what a message claims, never taken from it.
//
// Those named Legacy are weak and exist for gateways that demand them: nothing
// falls back to one, it has to be asked for by that name.
type Algorithm string

const (
	// RSASHA256 is RSASSA-PKCS1-v1_5 over SHA-256, the banks' "RSA2" and
	// "SHA256withRSA". Source: RFC 8017 section 8.2.
	RSASHA256 Algorithm = "RSA-SHA256"
	// RSAPSSSHA256 is RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of
	// 32 bytes. Source: RFC 8017 section 8.1.
	RSAPSSSHA256 Algorithm = "RSA-PSS-SHA256"
	// SM2SM3 is the SM2 signature over SM3(Z_A ‖ text), "SM3withSM2". Source:
	// GB/T 32918.2-2016; signatures as [SM2Form] says.
	SM2SM3 Algorithm = "SM2-SM3"

	// HMACSHA256 is HMAC over SHA-256. Source: RFC 2104, RFC 4231.
	HMACSHA256 Algorithm = "HMAC-SHA256"
	// HMACSM3 is HMAC over SM3. Source: RFC 2104, GM/T 0042-2015.
	HMACSM3 Algorithm = "HMAC-SM3"

	// LegacyRSASHA1 is RSASSA-PKCS1-v1_5 over SHA-1, the banks' "RSA" and
	// "SHA1withRSA". Two texts with one SHA-1 can be made for 50,000 dollars.
	LegacyRSASHA1 Algorithm = "RSA-SHA1"
	// LegacyRSAMD5 is RSASSA-PKCS1-v1_5 over MD5, "MD5withRSA". Two texts with
	// one MD5 are made in seconds.
	LegacyRSAMD5 Algorithm = "RSA-MD5"
	// LegacyHMACMD5 is HMAC over MD5. Source: RFC 2104, RFC 2202.
	LegacyHMACMD5 Algorithm = "HMAC-MD5"

	// LegacyMD5 is the MD5 of a text that has the secret in it. See [Digest].
	LegacyMD5 Algorithm = "MD5"
	// LegacySHA1 is the SHA-1 of a text that has the secret in it.
	LegacySHA1 Algorithm = "SHA1"
	// LegacySHA256 is the SHA-256 of a text that has the secret in it. The
	// digest is sound, its use as a MAC is not.
	LegacySHA256 Algorithm = "SHA256"
	// LegacySHA512 is the SHA-512 of a text that has the secret in it.
	LegacySHA512 Algorithm = "SHA512"
	// LegacySM3 is the SM3 of a text that has the secret in it.
	LegacySM3 Algorithm = "SM3"
)

// How a key is used with an algorithm.
func rsaAlgorithms() []Algorithm {
	return []Algorithm{RSASHA256, RSAPSSSHA256, LegacyRSASHA1, LegacyRSAMD5}
}

// forKey returns the algorithm a key is used with: asked if it is set and fits the
// key, the key's own if it is not, or what is wrong.
func forKey(key, asked Algorithm) (_ Algorithm, problem string) {
	switch {
	case asked == "" || asked == key:
		return key, ""
	case key == RSASHA256 && slices.Contains(rsaAlgorithms(), asked):
		return asked, ""
	}
	return "", fmt.Sprintf("Algorithm is %s, the key is for %s", quote(string(asked)), key)
}

// rsaHash is the digest of an RSA algorithm.
func (a Algorithm) rsaHash() crypto.Hash {
	switch a {
	case LegacyRSASHA1:
		return crypto.SHA1
	case LegacyRSAMD5:
		return crypto.MD5
	}
	return crypto.SHA256
}
