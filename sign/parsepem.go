package sign

import "encoding/pem"

// ParsePrivateKey reads the one private key in a PEM text of at most 64 kB: labels
// PRIVATE KEY (PKCS#8), RSA PRIVATE KEY (PKCS#1), EC PRIVATE KEY and SM2 PRIVATE
// KEY (SEC 1); parameter blocks are skipped. It is RSA of 1024 to 4096 bits with an
// odd e from 65537 (below 2048 bits only usable with Legacy1024), or SM2 on curve
// 1.2.156.10197.1.301 with 1 ≤ d ≤ n-2.
//
// Errors: ErrKey for anything else; an encrypted key is for [LoadPrivateKey].
func ParsePrivateKey(b []byte) (*PrivateKey, error) { return parsePrivateKey("bytes", b) }

// ParsePublicKey reads the one public key in a PEM text of at most 64 kB: labels
// PUBLIC KEY and CERTIFICATE. The bounds are those of [ParsePrivateKey]. A
// certificate gives its key and validity; who issued it is not checked, so it has
// to come from configuration, never from a message.
//
// Errors: ErrKey for anything else.
func ParsePublicKey(b []byte) (*PublicKey, error) { return parsePublicKey("bytes", b) }

func parsePrivateKey(source string, b []byte) (*PrivateKey, error) {
	block, err := onePEM(source, b, labelPrivate, labelRSAPrivate, labelECPrivate, labelSM2Private)
	if err != nil {
		return nil, err
	}
	m, err := privateFromDER(source, block.Type, block.Bytes)
	return privateOf(source, block, m, err)
}

// privateOf adds the mark of the file to a key.
func privateOf(source string, block *pem.Block, m *privateMaterial, err error) (*PrivateKey, error) {
	if err != nil {
		return nil, err
	}
	if m.env, err = environment(source, block); err != nil {
		return nil, err
	}
	return &PrivateKey{material: m}, nil
}

func parsePublicKey(source string, b []byte) (*PublicKey, error) {
	block, err := onePEM(source, b, labelPublic, labelCertificate)
	if err != nil {
		return nil, err
	}
	parse := publicFromDER
	if block.Type == labelCertificate {
		parse = certificateFromDER
	}
	m, err := parse(source, block.Bytes)
	if err != nil {
		return nil, err
	}
	if m.env, err = environment(source, block); err != nil {
		return nil, err
	}
	return &PublicKey{material: m}, nil
}
