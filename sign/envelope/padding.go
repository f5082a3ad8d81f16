package envelope

import "crypto/subtle"

// blockSize is that of AES and of SM4, in bytes.
const blockSize = 16

// pad appends PKCS#7 padding, 1 to 16 bytes, to a copy. Source: RFC 5652 section 6.3.
func pad(plaintext []byte) []byte {
	n := blockSize - len(plaintext)%blockSize
	padded := make([]byte, len(plaintext)+n)
	copy(padded, plaintext)
	for i := len(plaintext); i < len(padded); i++ {
		padded[i] = byte(n)
	}
	return padded
}

// unpad returns the length without padding, and 1 if the padding is right. It looks
// at all 16 bytes whatever they are, so that its time does not say which one was
// wrong. padded is a positive multiple of the block size.
func unpad(padded []byte) (length, ok int) {
	last := padded[len(padded)-blockSize:]
	n := last[blockSize-1]
	ok = subtle.ConstantTimeLessOrEq(1, int(n)) & subtle.ConstantTimeLessOrEq(int(n), blockSize)
	for i, b := range last {
		inside := subtle.ConstantTimeLessOrEq(blockSize-i, int(n))
		ok &= subtle.ConstantTimeSelect(inside, subtle.ConstantTimeByteEq(b, n), 1)
	}
	return len(padded) - int(n), ok
}

// finish cuts the padding off what was decrypted, or refuses it and forgets it.
func finish(padded []byte) ([]byte, error) {
	length, ok := unpad(padded)
	if ok != 1 || length <= 0 {
		clear(padded)
		return nil, ErrOpen
	}
	return padded[:length:length], nil
}

// wholeBlocks reports whether a ciphertext can be one.
func wholeBlocks(ciphertext []byte) bool {
	return len(ciphertext) > 0 && len(ciphertext) <= MaxInput && len(ciphertext)%blockSize == 0
}
