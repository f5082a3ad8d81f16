package sign

import "github.com/emmansun/gmsm/sm2"

// What the vectors need to see below the message level.

// SM2Digest returns Z_A and e of a message.
func SM2Digest(k *PublicKey, id string, message []byte) (za, e []byte) {
	b, err := sm2ID(id, false)
	if err != nil {
		return nil, nil
	}
	h := newSM2Hash(sm2Numbers(k.material.sm2), b)
	return h.za, h.sum(message)
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

// RawToDER is what a raw signature becomes for an engine.
func RawToDER(raw []byte) (der []byte, problem string) { return SM2Raw.toDER(raw) }

// DERToRaw is what becomes of an engine's signature on the wire.
func DERToRaw(der []byte) (raw []byte, problem string) { return SM2Raw.fromDER(der) }

// FindKey is the lookup of a ring without the verification.
func FindKey(r *KeyRing, id string) (part string) {
	if _, part, problem := r.find(id); problem != "" {
		return part
	}
	return ""
}
