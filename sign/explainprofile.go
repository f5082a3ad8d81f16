package sign

import "bytes"

// profileText is what a profile signs of the message.
type profileText struct {
	profile Profile
	text    []byte
}

// input gives the message to a profile.
func (s *search) input() Input {
	return Input{
		Body: s.in.Body, Method: s.in.Method, Target: s.in.Target,
		Timestamp: s.timestamp, Nonce: s.nonce, Secret: s.cfg.Secret,
	}
}

// readProfiles builds the text of every profile that can read the message.
func (s *search) readProfiles() {
	for _, p := range Profiles() {
		in := s.input()
		if p.Fields != nil && p.Body == BodyNone {
			in.Fields, _ = s.fields(0)
		}
		if p.Fields != nil && len(in.Fields) == 0 && p.Body != s.in.Format {
			continue
		}
		if text, err := p.Text(nil, in); err == nil && len(text) > 0 {
			s.profile = append(s.profile, profileText{p, text})
		}
	}
}

// tryProfiles tries the texts of the profiles that no twist has made.
func (s *search) tryProfiles() {
	for _, p := range s.profile {
		s.try(p.text, []string{"the text is that of profile " + p.profile.Name})
	}
}

// profilesOf names the profiles that sign this text in this way.
func (s *search) profilesOf(text []byte, f *fit) []string {
	var names []string
	for _, p := range s.profile {
		algorithm := p.profile.Algorithm == "" || p.profile.Algorithm == f.algorithm
		if algorithm && p.profile.PreDigest == f.pre && bytes.Equal(p.text, text) {
			names = append(names, p.profile.Name)
		}
	}
	return names
}

// expectProfile takes over what a profile says besides the text.
func (e *expectation) expectProfile(p *Profile) {
	if p.Algorithm != "" {
		e.algorithm = p.Algorithm
	}
	e.encoding, e.form, e.pre = p.Encoding, p.SM2Form, p.PreDigest
	if e.id == "" {
		e.id = p.SM2ID
	}
}
