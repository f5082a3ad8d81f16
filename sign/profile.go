package sign

import (
	"slices"
	"strings"
)

// Place says where a gateway puts the signature. It is information: nothing here
// reads or writes messages.
type Place string

// Where a gateway puts the signature.
const (
	PlaceField  Place = "field"  // a field of the form, XML or JSON body
	PlaceHeader Place = "header" // a header of the message
	PlaceQuery  Place = "query"  // a parameter of the URL
)

// Use is a set of message kinds. A request's signature must not be taken for an
// answer's: keep the keys and the profiles of the two sides apart.
type Use uint8

// The kinds of messages a profile is for.
const (
	ForRequest Use = 1 << iota
	ForResponse
	ForCallback
)

// BodyForm says how fields are read from a raw body.
type BodyForm uint8

// How fields are read from a raw body.
const (
	// BodyNone: the caller gives the fields.
	BodyNone BodyForm = iota
	// BodyURLForm is application/x-www-form-urlencoded, read by [FormFields].
	BodyURLForm
	// BodyJSON is a JSON object, read by [JSONRule.Fields].
	BodyJSON
)

// Profile is how one gateway signs one kind of message, as data: what text is
// built, what is done to it, and how the signature is written. Exactly one of
// Fields, Lines and Raw is set. A host's own gateway is a Profile of the host's.
//
// The algorithm and everything else come from here, from configuration, and never
// from the message: a sign_type, signMethod or alg in it is compared and refused.
type Profile struct {
	// Name is unique, such as "wechat-v3-request". Required.
	Name string
	// Source is where the rule was read, and in what it is not confirmed. Required.
	Source string
	// Use is what kinds of messages are signed so. Required.
	Use Use
	// Fields, Lines or Raw builds the text.
	Fields *Text
	Lines  *Lines
	Raw    *Raw
	// Body is how Fields reads a raw body, with JSON as its rule for JSON.
	Body BodyForm
	JSON JSONRule
	// PreDigest is signed in place of the text. Defaults to the text itself.
	PreDigest PreDigest
	// Algorithm makes the signature. Empty where the source names none: the host
	// has to ask the gateway.
	Algorithm Algorithm
	// Encoding writes it. Required.
	Encoding Encoding
	// SM2Form and SM2ID are for SM2. Default to DER and 1234567812345678. Some
	// gateways derive the id from the user's number, see Source.
	SM2Form SM2Form
	SM2ID   string
	// Legacy1024 says that the gateway's RSA keys have 1024 bits. Defaults to false.
	Legacy1024 bool
	// Place is where the signature is, and Carrier the name of the field or header.
	Place   Place
	Carrier string
}

// Message builds what is given to the Signer, MAC or Digest for fields: the text,
// or its pre-digest. It sorts fields in place.
//
// Errors: those of [Profile.Append].
func (p Profile) Message(fields []Field, secret []byte) ([]byte, error) {
	return p.Append(nil, Input{Fields: fields, Secret: secret})
}

// Append appends what is given to the Signer, MAC or Digest for in to dst: the text,
// or its pre-digest.
//
// Errors: those of [Profile.Text] and [PreDigest.Append].
func (p Profile) Append(dst []byte, in Input) ([]byte, error) {
	if p.PreDigest == (PreDigest{}) {
		return p.Text(dst, in)
	}
	text, err := p.Text(nil, in)
	if err != nil {
		return nil, err
	}
	return p.PreDigest.Append(dst, text)
}

// Text appends the text of in to dst, before any pre-digest. Where the profile is
// of fields and in has none, they are read from in.Body as the profile says; in.Body
// must then be what was sent or received, never a body written anew.
//
// Errors: *Error with Part "text" for a profile that is not exactly one dialect or
// what the dialect refuses, with Part "body" for a body that cannot be read, with
// the *FormError as its cause.
func (p Profile) Text(dst []byte, in Input) ([]byte, error) {
	switch {
	case p.Fields != nil && p.Lines == nil && p.Raw == nil:
		fields, err := p.fields(in)
		if err != nil {
			return nil, err
		}
		return p.Fields.AppendSecret(dst, fields, in.Secret)
	case p.Lines != nil && p.Fields == nil && p.Raw == nil:
		return p.Lines.Append(dst, in)
	case p.Raw != nil && p.Fields == nil && p.Lines == nil:
		return p.Raw.Append(dst, in)
	}
	return nil, &Error{Part: partText, Problem: "profile " + quote(p.Name) + " has not exactly one of fields, lines and raw"}
}

func (p *Profile) fields(in Input) ([]Field, error) {
	if in.Fields != nil || p.Body == BodyNone {
		return in.Fields, nil
	}
	var (
		fields []Field
		err    error
	)
	if p.Body == BodyURLForm {
		fields, err = FormFields(nil, in.Body)
	} else {
		fields, err = p.JSON.Fields(nil, in.Body)
	}
	if err != nil {
		return nil, &Error{Part: partBody, Problem: "cannot be read", Err: err}
	}
	return fields, nil
}

// Profiles returns every profile known, by name. The values are the caller's own.
func Profiles() []Profile {
	all := slices.Concat(wechatProfiles(), alipayProfiles(), unionpayProfiles(), cmbProfiles(), bankProfiles(), cardProfiles())
	slices.SortFunc(all, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ProfileByName returns one profile.
//
// Errors: *Error with Part "text" for a name nobody has.
func ProfileByName(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, &Error{Part: partText, Problem: "no profile " + quote(name)}
}
