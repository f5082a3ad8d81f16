package sign

import (
	"errors"
	"fmt"
)

// SM2Form is how the two integers of an SM2 signature are put into bytes.
type SM2Form string

const (
	// SM2DER is ASN.1 DER, SEQUENCE of two INTEGERs, 8 to 72 bytes. Only the
	// one shortest encoding is believed. Source: GM/T 0009-2012 section 7.3.
	// The default.
	SM2DER SM2Form = "DER"
	// SM2Raw is r ‖ s, each 32 bytes big-endian with leading zeros, so always
	// 64 bytes. China Merchants Bank (招行) and hardware modules use it.
	SM2Raw SM2Form = "raw"
)

const sm2RawSize = 2 * sm2Size

// PaddedSM2ID is the id gateways of China Merchants Bank (招行云直连) sign with:
// the user id, filled up with "0" to 16 characters and cut there.
func PaddedSM2ID(userID string) string {
	const zeros = "0000000000000000"
	return (userID + zeros)[:len(zeros)]
}

// sm2ID returns the bytes of an id as they go into Z_A.
func sm2ID(id string, empty bool) ([]byte, error) {
	switch {
	case empty && id != "":
		return nil, errors.New("SM2ID and SM2EmptyID are both set")
	case empty:
		return nil, nil
	case id == "":
		return []byte(defaultSM2ID), nil
	case len(id) > maxSM2ID:
		return nil, fmt.Errorf("SM2 id is %d bytes, want at most %d", len(id), maxSM2ID)
	}
	return []byte(id), nil
}

func (f SM2Form) check() error {
	switch f {
	case "", SM2DER, SM2Raw:
		return nil
	}
	return fmt.Errorf("SM2Form is %s, want DER or raw", quote(string(f)))
}

// toDER turns a signature from the wire into the DER an engine gets, or says what
// is wrong with its form.
func (f SM2Form) toDER(signature []byte) (der []byte, problem string) {
	if f != SM2Raw {
		return signature, checkSM2Signature(signature)
	}
	if len(signature) != sm2RawSize {
		return nil, fmt.Sprintf("%d bytes, a raw SM2 signature has %d", len(signature), sm2RawSize)
	}
	der = make([]byte, 2, 2+2*(2+1+sm2Size))
	der = appendSM2Integer(der, signature[:sm2Size])
	der = appendSM2Integer(der, signature[sm2Size:])
	der[0], der[1] = 0x30, byte(len(der)-2)
	return der, checkSM2Signature(der)
}

// fromDER turns what an engine made into the form the wire wants.
func (f SM2Form) fromDER(der []byte) (signature []byte, problem string) {
	if problem := checkSM2Signature(der); problem != "" || f != SM2Raw {
		return der, problem
	}
	// The form is checked: two integers of one length byte each.
	signature = make([]byte, sm2RawSize)
	rest := der[2:]
	for i := range 2 {
		v := rest[2 : 2+int(rest[1])]
		rest = rest[2+len(v):]
		if v[0] == 0 {
			v = v[1:]
		}
		end := (i + 1) * sm2Size
		copy(signature[end-len(v):end], v)
	}
	return signature, ""
}

// appendSM2Integer appends the shortest INTEGER of a big-endian number.
func appendSM2Integer(b, v []byte) []byte {
	for len(v) > 1 && v[0] == 0 {
		v = v[1:]
	}
	if v[0]&0x80 != 0 {
		b = append(b, 0x02, byte(len(v)+1), 0)
	} else {
		b = append(b, 0x02, byte(len(v)))
	}
	return append(b, v...)
}
