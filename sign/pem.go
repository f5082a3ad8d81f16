package sign

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// PEM labels.
const (
	labelPrivate     = "PRIVATE KEY"
	labelRSAPrivate  = "RSA PRIVATE KEY"
	labelECPrivate   = "EC PRIVATE KEY"
	labelSM2Private  = "SM2 PRIVATE KEY"
	labelEncrypted   = "ENCRYPTED PRIVATE KEY"
	labelPublic      = "PUBLIC KEY"
	labelCertificate = "CERTIFICATE"
)

// environmentHeader is the PEM header that marks a key as a test key. It is in
// the file, not in configuration, so that a sandbox key put in production's place
// is still known for what it is.
const environmentHeader = "Environment"

func writePEM(label, env string, der []byte) ([]byte, error) {
	block := &pem.Block{Type: label, Bytes: der}
	if env != "" {
		if !validEnvironment(env) {
			return nil, &KeyError{Source: "memory", Problem: "environment is not 1 to 32 letters, digits, dots, dashes or underscores"}
		}
		block.Headers = map[string]string{environmentHeader: env}
	}
	return pem.EncodeToMemory(block), nil
}

// validEnvironment keeps line breaks and colons out of the PEM header.
func validEnvironment(env string) bool {
	if env == "" || len(env) > 32 {
		return false
	}
	for i := range len(env) {
		c := env[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func environment(source string, block *pem.Block) (string, error) {
	env, ok := block.Headers[environmentHeader]
	if ok && !validEnvironment(env) {
		return "", &KeyError{Source: source, Problem: "the Environment header is not 1 to 32 letters, digits, dots, dashes or underscores"}
	}
	return env, nil
}

// onePEM returns the one block with an accepted label. Text before a block is
// allowed (openssl writes some), parameter blocks are skipped; another label, a
// second key, a damaged block or anything after the last block is refused, because
// a file that is not what its owner thinks must not sign.
func onePEM(source string, b []byte, accepted ...string) (*pem.Block, error) {
	refuse := func(format string, args ...any) (*pem.Block, error) {
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf(format, args...)}
	}
	if len(b) > maxKeyFile {
		return refuse("larger than %d bytes", maxKeyFile)
	}
	begin := []byte("-----BEGIN ")
	var found *pem.Block
	rest := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	for len(bytes.TrimSpace(rest)) > 0 {
		block, after := pem.Decode(rest)
		if block == nil {
			if found == nil && !bytes.Contains(rest, begin) {
				break
			}
			return refuse("damaged PEM block or data after the key")
		}
		// The decoder skips blocks it cannot read.
		if bytes.Count(rest[:len(rest)-len(after)], begin) != 1 {
			return refuse("damaged PEM block")
		}
		rest = after
		switch {
		case strings.HasSuffix(block.Type, " PARAMETERS"):
			continue
		case block.Headers["Proc-Type"] != "":
			return refuse("encrypted as PEM itself, a scheme without a proper key derivation; convert it: %s", convertPKCS8)
		case block.Type == labelEncrypted && !slices.Contains(accepted, labelEncrypted):
			return refuse("encrypted, load it with LoadPrivateKey and its password")
		case !slices.Contains(accepted, block.Type):
			return refuse("PEM label %s, want %s", quote(block.Type), strings.Join(accepted, ", "))
		case found != nil:
			return refuse("more than one key")
		}
		found = block
	}
	if found == nil {
		return refuse("no PEM block, want %s", strings.Join(accepted, ", "))
	}
	return found, nil
}
