package sign

// What the vectors need to see below the message level.

// SM2Digest returns Z_A and e of a message.
func SM2Digest(k *PublicKey, id string, message []byte) (za, e []byte) {
	h, err := newSM2Hash(k.material.sm2, id)
	if err != nil {
		return nil, nil
	}
	return h.za, h.sum(message)
}

// SM3 is the digest without Z_A.
func SM3(message []byte) []byte { return sm2Hash{}.sum(message) }

// VerifySM2Digest verifies a signature of e itself, with the form check first.
func VerifySM2Digest(k *PublicKey, e, signature []byte) string {
	if problem := checkSM2Signature(signature); problem != "" {
		return problem
	}
	return verifySM2(k.material.sm2, e, signature)
}
