package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/hex"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// Resource is an encrypted part of a WeChat v3 message: the resource of a callback, or
// the encrypt_certificate of a certificate list. It unmarshals from the wire as it is.
type Resource struct {
	// Algorithm is what the message claims; it is compared, never followed.
	Algorithm string `json:"algorithm"`
	// Ciphertext is standard Base64 of ciphertext and tag.
	Ciphertext string `json:"ciphertext"`
	// AssociatedData is authenticated and not encrypted; may be empty.
	AssociatedData string `json:"associated_data,omitempty"`
	// Nonce is 12 characters, taken as the bytes they are.
	Nonce string `json:"nonce"`
}

// NewWeChatAES takes the APIv3 key (32 bytes, as set in the merchant platform) for
// resources of AEAD_AES_256_GCM.
//
// Errors: those of [NewAES256GCM]. Source: WeChat Pay API v3; wechatpay-go utils.
func NewWeChatAES(apiV3Key []byte) (*AEAD, error) { return NewAES256GCM(apiV3Key) }

// NewWeChatSM4 takes the APIv3 key (32 bytes) for resources of AEAD_SM4_GCM (国密). The
// cipher's key is the first 16 bytes of SM3 of the APIv3 key.
//
// Errors: those of [NewSM4GCM]. Source: wechatpay-java, module shangmi.
func NewWeChatSM4(apiV3Key []byte) (*AEAD, error) {
	if err := checkKey(apiV3Key, aesKey); err != nil {
		return nil, err
	}
	sum := sm3.Sum(apiV3Key)
	defer clear(sum[:])
	return newAEAD(SM4GCM, sum[:sm4Key], sm4.NewCipher)
}

// OpenResource opens a resource whose algorithm is this one.
//
// Errors: ErrOpen.
func (a *AEAD) OpenResource(r Resource) ([]byte, error) {
	if a == nil || a.m == nil || r.Algorithm != a.m.name {
		return nil, ErrOpen
	}
	ciphertext, err := DecodeBase64(r.Ciphertext)
	if err != nil {
		return nil, err
	}
	return a.Open([]byte(r.Nonce), []byte(r.AssociatedData), ciphertext)
}

// SealResource makes what [AEAD.OpenResource] opens, for simulators and tests: in
// production the gateway seals.
//
// Errors: *SealError.
func (a *AEAD) SealResource(associated string, plaintext []byte) (Resource, error) {
	nonce, ciphertext, err := a.Seal([]byte(associated), plaintext)
	if err != nil {
		return Resource{}, err
	}
	return Resource{Algorithm: a.m.name, Ciphertext: EncodeBase64(ciphertext), AssociatedData: associated, Nonce: string(nonce)}, nil
}

// NewLegacyWeChatRefund takes the API key (v2, 1 to 128 bytes) for the req_info of
// refund notifications: AES-256-ECB under the lower-case hex text of the key's MD5,
// standard Base64 on the wire. Nothing protects that text from being changed or made
// by somebody who saw others; look the refund up before believing it.
//
// Errors: *sign.KeyError for an empty or longer key, or where MD5 does not work (FIPS
// 140-only mode). Source: WeChat Pay v2, "退款结果通知"; gopay.
func NewLegacyWeChatRefund(apiKey []byte) (e *LegacyECB, err error) {
	const name = "MD5"
	defer recoverProbe(name, &err)
	if len(apiKey) == 0 || len(apiKey) > 128 {
		return nil, &sign.KeyError{Source: keySource, Problem: "API key is empty or above 128 bytes"}
	}
	sum := md5.Sum(apiKey)
	key := hex.AppendEncode(nil, sum[:])
	defer clear(key)
	return newECB("AES-256-ECB", func() (cipher.Block, error) { return aes.NewCipher(key) })
}
