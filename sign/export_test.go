package sign

import "github.com/emmansun/gmsm/sm2"

// What the vectors need to see below the message level.

// SM2Digest returns Z_A and e of a message.
func SM2Digest(k *PublicKey, id string, message []byte) (za, e []byte) {
	b, _ := sm2ID(id, false)
	za, err := sm2.CalculateZA(k.material.sm2, b)
	if err != nil {
		return nil, nil
	}
	return za, sm2Hash{za}.sum(message)
}

// SM3 is the digest without Z_A.
func SM3(message []byte) []byte { return sm2Hash{}.sum(message) }

// VerifySM2Digest verifies a signature of e itself, with the form check first.
func VerifySM2Digest(k *PublicKey, e, signature []byte) string {
	if problem := checkSM2Signature(signature); problem != "" {
		return problem
	}
	if !sm2.VerifyASN1(k.material.sm2, e, signature) {
		return "does not match this text under this key"
	}
	return ""
}
