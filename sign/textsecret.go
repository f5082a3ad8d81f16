package sign

// SecretForm is the form a secret has inside a text.
type SecretForm uint8

const (
	// NoSecret is for an affix without one.
	NoSecret SecretForm = iota
	// SecretRaw is the secret's own bytes.
	SecretRaw
	// SecretSHA256Hex is the lower-case hex of the secret's SHA-256 (UnionPay 11).
	SecretSHA256Hex
	// SecretSM3Hex is the lower-case hex of the secret's SM3 (UnionPay 12).
	SecretSM3Hex
	// SecretMD5Hex is the lower-case hex of the secret's MD5.
	SecretMD5Hex
)

// Affix is what stands before or behind the fields of a text: Before, the secret in
// its form, After. The zero value is nothing.
//
// A digest over a text with a secret in it is no MAC. With the secret in front and
// the message behind, whoever sees one digest can compute that of a longer message
// (length extension); behind, as with "&key=", only a collision of the digest helps
// an attacker. Where a gateway offers HMAC as well, take that.
type Affix struct {
	Before string
	Secret SecretForm
	After  string
}

func checkSecret(secret []byte) error {
	if problem := Secret(secret).check(); problem != "" {
		return &Error{Part: partText, Problem: "the dialect has the secret in its text: " + problem}
	}
	return nil
}

func (a Affix) hash() Hash {
	switch a.Secret {
	case SecretSHA256Hex:
		return HashSHA256
	case SecretSM3Hex:
		return HashSM3
	case SecretMD5Hex:
		return HashMD5
	}
	return ""
}

func (a Affix) size(secret []byte) int {
	n := len(a.Before) + len(a.After)
	switch a.Secret {
	case NoSecret:
		return n
	case SecretRaw:
		return n + len(secret)
	}
	return n + 64
}

func (a Affix) append(dst, secret []byte) ([]byte, error) {
	dst = append(dst, a.Before...)
	switch h := a.hash(); {
	case h != "":
		var err error
		if dst, err = (PreDigest{Hash: h, Form: DigestHex}).Append(dst, secret); err != nil {
			return nil, err
		}
	case a.Secret == SecretRaw:
		dst = append(dst, secret...)
	case a.Secret != NoSecret:
		return nil, &Error{Part: partText, Problem: "the dialect has an unknown form of the secret"}
	}
	return append(dst, a.After...), nil
}
