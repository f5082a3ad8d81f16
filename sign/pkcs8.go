package sign

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/asn1"

	"github.com/emmansun/gmsm/sm4"
)

// convertPKCS8 and convertPFX write anew what is refused here.
const (
	convertPKCS8 = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"
	convertPFX   = "openssl pkcs12 -legacy -nodes -nocerts -in old.p12 | openssl pkcs8 -topk8 -v2 aes-256-cbc -out new.pem"
)

// Object identifiers of encryptions. Source: RFC 8018 appendix C, RFC 7292
// appendix C, GM/T 0006.
const (
	oidPBES2    = "1.2.840.113549.1.5.13"
	oidPFXDES3  = "1.2.840.113549.1.12.1.3" // pbeWithSHAAnd3-KeyTripleDES-CBC
	oidAES128   = "2.16.840.1.101.3.4.1.2"
	oidAES192   = "2.16.840.1.101.3.4.1.22"
	oidAES256   = "2.16.840.1.101.3.4.1.42"
	oidDES3     = "1.2.840.113549.3.7"
	oidSM4      = "1.2.156.10197.1.104.2"
	maxSaltSize = 1024
)

// encryptedPKCS8 is RFC 5958's EncryptedPrivateKeyInfo.
type encryptedPKCS8 struct {
	Algorithm algorithmID
	Data      []byte
}

type pbes2Parameters struct{ KDF, Cipher algorithmID }

// encryptedKey opens an EncryptedPrivateKeyInfo.
func (u *unlock) encryptedKey(der []byte) (*privateMaterial, error) {
	var e encryptedPKCS8
	if err := decode(u.source, der, &e); err != nil {
		return nil, err
	}
	plain, err := u.decrypt(e.Algorithm, e.Data)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	// Padding that happens to fit is no proof of the password; the structure is.
	if checkDER(plain) != "" || shapeOf(plain) != "int seq octets" {
		return nil, u.wrong()
	}
	return privateFromDER(u.source, labelPrivate, plain)
}

// decrypt opens data under the scheme that id names. Every bound is checked before
// anything is derived, and everything is derived before a cipher is made.
func (u *unlock) decrypt(id algorithmID, data []byte) ([]byte, error) {
	switch oid := id.Algorithm.String(); oid {
	case oidPBES2:
		return u.decryptPBES2(id, data)
	case oidPFXDES3:
		return u.decryptPFX(id, data)
	default:
		return nil, u.refuse("encrypted with %s, want PBES2; convert it: %s", encryptionName(oid), convertPKCS8)
	}
}

func encryptionName(oid string) string {
	switch oid {
	case "1.2.840.113549.1.5.3":
		return "pbeWithMD5AndDES-CBC"
	case "1.2.840.113549.1.5.10":
		return "pbeWithSHA1AndDES-CBC"
	case "1.2.840.113549.1.12.1.1":
		return "RC4-128"
	case "1.2.840.113549.1.12.1.2":
		return "RC4-40"
	case "1.2.840.113549.1.12.1.4":
		return "2-key 3DES"
	case "1.2.840.113549.1.12.1.5":
		return "RC2-128"
	case "1.2.840.113549.1.12.1.6":
		return "RC2-40"
	}
	return "scheme " + shortOID(oid)
}

func shortOID(oid string) string {
	if len(oid) > 64 {
		return "unknown"
	}
	return oid
}

func (u *unlock) decryptPBES2(id algorithmID, data []byte) ([]byte, error) {
	var p pbes2Parameters
	if err := decode(u.source, id.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	c, err := u.blockCipher(p.Cipher.Algorithm.String())
	if err != nil {
		return nil, err
	}
	var iv []byte
	if err := decode(u.source, p.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if err := u.checkCBC(c.block, iv, data); err != nil {
		return nil, err
	}
	key, err := u.derive(p.KDF, c.key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := c.make(key)
	if err != nil {
		return nil, u.refuse("cipher refused: %v", err)
	}
	return u.openCBC(block, iv, data)
}

// blockCipher is a cipher with the sizes of its key and block in bytes.
type blockCipher struct {
	key, block int
	make       func(key []byte) (cipher.Block, error)
}

func (u *unlock) blockCipher(oid string) (blockCipher, error) {
	switch oid {
	case oidAES128:
		return blockCipher{16, aes.BlockSize, aes.NewCipher}, nil
	case oidAES192:
		return blockCipher{24, aes.BlockSize, aes.NewCipher}, nil
	case oidAES256:
		return blockCipher{32, aes.BlockSize, aes.NewCipher}, nil
	case oidDES3:
		return blockCipher{24, des.BlockSize, des.NewTripleDESCipher}, nil
	case oidSM4:
		return blockCipher{16, sm4.BlockSize, sm4.NewCipher}, nil
	}
	return blockCipher{}, u.refuse("encrypted with cipher %s, want AES-CBC, SM4-CBC or DES-EDE3-CBC; convert it: %s", shortOID(oid), convertPKCS8)
}

func (u *unlock) checkCBC(size int, iv, data []byte) error {
	if len(iv) != size {
		return u.refuse("IV of %d bytes, want %d", len(iv), size)
	}
	if len(data) == 0 || len(data)%size != 0 {
		return u.refuse("ciphertext of %d bytes, want a multiple of %d", len(data), size)
	}
	return nil
}

// openCBC decrypts and takes the padding off. A padding oracle needs somebody who
// tries ciphertexts against a password of ours; a key file comes from its owner.
func (u *unlock) openCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() {
		return nil, u.wrong()
	}
	for _, c := range plain[len(plain)-pad:] {
		if int(c) != pad {
			return nil, u.wrong()
		}
	}
	return plain[:len(plain)-pad], nil
}

// oidOf reads the object identifier of an algorithm, empty for none.
func oidOf(id algorithmID) string {
	if id.Algorithm == nil {
		return ""
	}
	return asn1.ObjectIdentifier(id.Algorithm).String()
}
