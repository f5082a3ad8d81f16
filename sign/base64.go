package sign

// maxBase64 is twice what the largest signature, RSA 4096, takes.
const maxBase64 = 1024

// EncodeBase64 writes a signature for the wire: standard alphabet, padded, one line.
func EncodeBase64(sig []byte) string { return Base64.Encode(sig) }

// DecodeBase64 reads a signature from the wire: standard alphabet, padded, 1 to
// 1024 characters, no line breaks or blanks, no stray bits. One signature has one
// text, and a text that does not decode never becomes an empty signature.
//
// Errors: *Error (ErrSignature) with Part "signature".
func DecodeBase64(s string) ([]byte, error) { return Base64.Decode(s) }
