package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrPassword is what errors.Is finds, besides ErrKey, where a key is encrypted and
// the password is missing or wrong.
var ErrPassword = errors.New("sign: password missing or wrong")

// unlock opens one key file: it asks for the password once, and holds what deriving
// keys may still cost.
type unlock struct {
	source   string
	password []byte
	ask      func() ([]byte, error)
	left     int   // iterations
	work     int64 // of scrypt, done
}

func (u *unlock) refuse(format string, args ...any) error {
	return &KeyError{Source: u.source, Problem: fmt.Sprintf(format, args...)}
}

// wrong is the refusal where what came out is no key. Damage in a ciphertext looks
// the same.
func (u *unlock) wrong() error {
	return &KeyError{Source: u.source, Problem: "the password is wrong, or the file is damaged", Err: ErrPassword}
}

func (u *unlock) pass() ([]byte, error) {
	if u.password != nil {
		return u.password, nil
	}
	if u.ask == nil {
		return nil, &KeyError{Source: u.source, Problem: "encrypted, and no password is given", Err: ErrPassword}
	}
	password, err := u.ask()
	if err == nil && password == nil {
		err = ErrPassword
	}
	if err != nil {
		return nil, &KeyError{Source: u.source, Problem: "encrypted, and there is no password", Err: err}
	}
	u.password = password
	return password, nil
}

// spend refuses iterations above what is left, before they run.
func (u *unlock) spend(iterations int64) error {
	if iterations < 1 {
		return u.refuse("iteration count below 1")
	}
	if iterations > int64(u.left) {
		return u.refuse("%d iterations, %d are allowed (LoadConfig.MaxIterations)", iterations, u.left)
	}
	u.left -= int(iterations)
	return nil
}

func (u *unlock) privateKey(b []byte) (k *PrivateKey, err error) {
	defer recoverKey(u.source, &err)
	if bytes.Contains(b, []byte("-----BEGIN ")) {
		block, err := onePEM(u.source, b, labelPrivate, labelEncrypted, labelRSAPrivate, labelECPrivate, labelSM2Private)
		if err != nil {
			return nil, err
		}
		var m *privateMaterial
		if block.Type == labelEncrypted {
			m, err = u.encryptedKey(block.Bytes)
		} else {
			m, err = privateFromDER(u.source, block.Type, block.Bytes)
		}
		return privateOf(u.source, block, m, err)
	}
	plain := &pem.Block{}
	if text := bytes.TrimSpace(b); len(text) == 2*sm2Size {
		if d, err := hex.DecodeString(string(text)); err == nil {
			defer clear(d)
			m, err := sm2FromNumber(u.source, d)
			return privateOf(u.source, plain, m, err)
		}
	}
	der, err := u.bareDER(b)
	if err != nil {
		return nil, err
	}
	m, err := u.privateDER(der)
	return privateOf(u.source, plain, m, err)
}

// privateDER reads a private key whose structure nothing names.
func (u *unlock) privateDER(der []byte) (*privateMaterial, error) {
	switch shape := shapeOf(der); shape {
	case "int seq octets":
		return privateFromDER(u.source, labelPrivate, der)
	case "int int int":
		return privateFromDER(u.source, labelRSAPrivate, der)
	case "int octets", "int octets other":
		return privateFromDER(u.source, labelECPrivate, der)
	case "seq octets":
		return u.encryptedKey(der)
	case "int seq", "int seq seq":
		return u.pfxPrivate(der)
	case "seq bits":
		return nil, u.refuse("a public key, want a private key")
	case "seq seq bits":
		return nil, u.refuse("a certificate, want a private key")
	}
	return nil, u.refuse("DER of nothing known, want a key in PKCS#8, PKCS#1 or SEC 1, or PKCS#12")
}

func (u *unlock) publicKey(b []byte) (k *PublicKey, err error) {
	defer recoverKey(u.source, &err)
	if bytes.Contains(b, []byte("-----BEGIN ")) {
		return parsePublicKey(u.source, b)
	}
	var m publicMaterial
	if point := hexPoint(bytes.TrimSpace(b)); point != nil {
		m, err = sm2Public(u.source, point)
	} else if b, err = u.bareDER(b); err == nil {
		m, err = u.publicDER(b)
	}
	if err != nil {
		return nil, err
	}
	return &PublicKey{material: m}, nil
}

func (u *unlock) publicDER(der []byte) (m publicMaterial, err error) {
	switch shapeOf(der) {
	case "seq bits":
		return publicFromDER(u.source, der)
	case "seq seq bits":
		return certificateFromDER(u.source, der)
	case "int seq", "int seq seq":
		return u.pfxPublic(der)
	case "int seq octets", "int int int", "int octets", "int octets other", "seq octets":
		return m, u.refuse("a private key, want a public key or a certificate")
	}
	return m, u.refuse("DER of nothing known, want a SubjectPublicKeyInfo, a certificate or PKCS#12")
}

// hexPoint returns X ‖ Y behind 04, or nil.
func hexPoint(text []byte) []byte {
	switch {
	case len(text) == 4*sm2Size:
		text = append([]byte("04"), text...)
	case len(text) != 4*sm2Size+2:
		return nil
	}
	point, err := hex.DecodeString(string(text))
	if err != nil {
		return nil
	}
	return point
}

// bareDER takes DER as it is, or out of Base64. The two cannot be confused: DER
// begins with "0", which in Base64 begins no DER.
func (u *unlock) bareDER(b []byte) ([]byte, error) {
	if len(b) > 0 && b[0] == 0x30 && checkDER(b) == "" {
		return b, nil
	}
	text := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, u.refuse("empty")
	}
	text = bytes.Join(bytes.Fields(text), nil)
	der := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(der, text)
	if err != nil {
		if len(b) > 2 && b[0] == 0x30 && b[1] >= 0x80 {
			return nil, u.refuse("damaged DER, or BER; a PKCS#12 file in BER is written anew by: %s", convertPFX)
		}
		return nil, u.refuse("neither PEM, DER, Base64 of DER nor hex of an SM2 key")
	}
	if problem := checkDER(der[:n]); problem != "" {
		return nil, u.refuse("in the Base64: %s", problem)
	}
	return der[:n], nil
}

// shapeOf names the first three members of a DER sequence, which is enough to tell
// key files apart. der has passed checkDER.
func shapeOf(der []byte) string {
	if len(der) == 0 || der[0] != 0x30 {
		return ""
	}
	_, content, _, _ := cutDER(der)
	shape := ""
	for i := 0; i < 3 && len(content) > 0; i++ {
		if i > 0 {
			shape += " "
		}
		switch content[0] {
		case 0x02:
			shape += "int"
		case 0x03:
			shape += "bits"
		case 0x04:
			shape += "octets"
		case 0x30:
			shape += "seq"
		default:
			shape += "other"
		}
		_, _, content, _ = cutDER(content)
	}
	return shape
}
