// Package sign makes and checks the signatures of bank gateways: it builds the
// canonical text of a message, loads and validates keys, signs with RSA, SM2 or a
// shared secret, and verifies against a ring of keys.
//
// Which function to call:
//
//   - fields to text: [Text.FromMap], [Text.Append]; a flat JSON body: [JSONFields];
//     the rules of the gateways known: [Profiles], [ProfileByName]
//   - keys: [PrivateKeyFile], [PrivateKeyEnv], [ParsePrivateKey] and the same for
//     public keys and certificates; encrypted and bare forms: [LoadPrivateKey];
//     [GenerateRSA], [GenerateSM2]
//   - signing: [NewSigner], or [NewSignerFrom] for a hardware module; verifying:
//     [NewKeyRing], kept up to date by [NewRefresher]
//   - a shared secret: [NewMAC]; gateways that digest a text with the secret in
//     it: [NewDigest]
//   - signature bytes to and from the wire: [Encoding], [EncodeBase64], [DecodeBase64]
//   - why a signature does not verify: [Explain], or the command bankrail explain
//
// In five lines:
//
//	key, err := sign.PrivateKeyFile("merchant.pem")
//	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "2026-01"})
//	text, err := sign.Text{Exclude: []string{"sign"}}.FromMap(nil, fields)
//	signature, err := signer.Sign(ctx, text)
//	header.Set("Sign", sign.EncodeBase64(signature))
//
// The key and the host decide the algorithm, never the message, and a signature is taken
// over the whole text: a signature over the hex or the bytes of a digest of the
// text is another signature and does not verify.
//
// It is not for encryption (see sign/envelope), not for TLS, not a certificate
// authority: a certificate is read for its key and validity and is trusted because the
// host configured it; one that comes in a message goes through [NewCertificateTrust].
// It sends nothing and stores nothing. Package sign/tjfoc is the second SM2 engine.
package sign

import "context"

// Signer signs texts with one key. Implementations are safe for concurrent use.
//
// [NewSigner] makes one from a key in memory; a host with a hardware module or a
// key service writes its own.
type Signer interface {
	// Algorithm is what Sign makes; it does not change.
	Algorithm() Algorithm
	// KeyID is the serial the other side knows the key by, or empty.
	KeyID() string
	// Sign returns the raw signature of the whole message, not of a digest:
	// RSA as long as the modulus, SM2 in the [SM2Form] asked for, or the whole
	// output of a MAC or digest.
	// ctx bounds signers that call out; signers in memory do not look at it.
	Sign(ctx context.Context, message []byte) ([]byte, error)
}

// Verifier checks signatures. Implementations are safe for concurrent use.
type Verifier interface {
	// Verify returns nil only if signature is one of message under the key known
	// as keyID. Any error means the message must not be believed; those that
	// say so of the signature are ErrSignature.
	Verify(ctx context.Context, message, signature []byte, keyID string) error
}
