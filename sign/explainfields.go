package sign

import (
	"net/url"
	"slices"
	"strings"
)

// maxExplainFields bounds what is looked at; a search builds each text many times.
const maxExplainFields = 256

// readings is how many ways there are to read the fields of each body.
const readings = 5

// fields reads the fields in one of several ways, 0 as the dialect would.
func (s *search) fields(reading int) ([]Field, error) {
	switch s.in.Format {
	case BodyURLForm:
		return formReading(s.in.Body, reading)
	case BodyJSON:
		rule := JSONRule{Nested: RawNested, Null: DropNull, Bool: TextBool, Fractions: true}
		if p := s.cfg.Profile; p != nil && p.Body == BodyJSON {
			rule = p.JSON
		}
		switch reading {
		case 1:
			rule.Nested = SortedNested
		case 2:
			rule.Null = TextNull
		case 3:
			rule.Null = EmptyNull
		case 4:
			return JSONRawFields(nil, s.in.Body)
		}
		return rule.Fields(nil, s.in.Body)
	}
	return nil, nil
}

func readingName(format BodyForm, reading int) string {
	if format == BodyJSON {
		return [readings]string{
			"", "nested JSON values are signed sorted and without blanks", `null is signed as "null"`,
			"null is signed as an empty value", "JSON values are signed as written, strings in their quotes",
		}[reading]
	}
	return [readings]string{
		"", "the values are signed URL-encoded, as on the wire", `a "+" is signed as a plus, not as a blank`,
		"the values are signed URL-decoded twice", "blanks around values are cut off",
	}[reading]
}

// formReading splits a form. Names are decoded like values but for reading 1.
func formReading(body []byte, reading int) ([]Field, error) {
	text := strings.TrimRight(string(body), "\r\n")
	var fields []Field
	for pair := range strings.SplitSeq(text, "&") {
		if len(fields) >= maxExplainFields {
			return nil, &FormError{Where: "form", Problem: "more than 256 fields"}
		}
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		f := Field{name, value}
		for _, part := range []*string{&f.Name, &f.Value} {
			decoded, err := formDecode(*part, reading)
			if err != nil {
				return nil, &FormError{Where: "field " + itoa(len(fields)+1), Problem: "not URL-encoded"}
			}
			*part = decoded
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func formDecode(s string, reading int) (string, error) {
	switch reading {
	case 1:
		return s, nil
	case 2:
		return url.PathUnescape(s)
	case 3:
		once, err := url.QueryUnescape(s)
		if err != nil {
			return "", err
		}
		if twice, err := url.QueryUnescape(once); err == nil {
			return twice, nil
		}
		return once, nil
	case 4:
		once, err := url.QueryUnescape(s)
		return strings.TrimSpace(once), err
	}
	return url.QueryUnescape(s)
}

// idFields are the fields a gateway may derive its SM2 id from.
func (s *search) idFields() []Field {
	fields, _ := s.fields(0)
	var out []Field
	for _, f := range fields {
		name := strings.ToLower(f.Name)
		if len(out) < 4 && f.Value != "" && len(f.Value) <= 64 &&
			slices.Contains([]string{"app_id", "appid", "mch_id", "mchid", "merid", "merchant_id", "merchantid", "userid", "user_id", "uid"}, name) {
			out = append(out, f)
		}
	}
	return out
}

// dialect is a dialect under trial: how fields are read, and their text.
type dialect struct {
	reading int
	text    Text
	decode  Charset // the bytes received are in this charset, the text is in UTF-8
}

// twist is one thing that may be different. Those of one axis exclude each other.
type twist struct {
	change string
	apply  func(*dialect)
}

// tryFields tries the dialect of fields with so many twists.
func (s *search) tryFields(changes int) {
	if s.in.Format == BodyNone || s.cfg.Profile != nil && s.cfg.Profile.Fields == nil && changes == 0 {
		return
	}
	base := dialect{text: Text{}}
	if s.sigName != "" {
		base.text.Exclude = []string{s.sigName}
	}
	if p := s.cfg.Profile; p != nil && p.Fields != nil {
		base.text = *p.Fields
	}
	s.twistFields(base, s.axes(base.text), changes, nil)
}

func (s *search) twistFields(d dialect, axes [][]twist, left int, changes []string) {
	if s.done() {
		return
	}
	if left == 0 {
		s.tryDialect(d, changes)
		return
	}
	for i := range axes {
		for _, t := range axes[i] {
			twisted := d
			t.apply(&twisted)
			s.twistFields(twisted, axes[i+1:], left-1, append(changes[:len(changes):len(changes)], t.change))
		}
	}
}

func (s *search) tryDialect(d dialect, changes []string) {
	fields, err := s.fields(d.reading)
	if err != nil || len(fields) == 0 || len(fields) > maxExplainFields {
		return
	}
	if d.decode != AsIs {
		for i := range fields {
			if fields[i].Value, err = d.decode.Decode([]byte(fields[i].Value)); err != nil {
				return
			}
		}
	}
	s.bytes += len(s.in.Body) // reading it costs as much as trying it
	if text, err := d.text.AppendSecret(nil, fields, s.cfg.Secret); err == nil {
		s.try(text, changes)
	}
}

// axes lists the twists of a dialect, likely ones first.
func (s *search) axes(base Text) [][]twist {
	var empties, parts, read []twist
	if base.Empty != KeepEmpty {
		empties = append(empties, twist{"empty values are signed", func(d *dialect) { d.text.Empty = KeepEmpty }})
	}
	if base.Empty != SkipEmpty {
		empties = append(empties, twist{"empty values are left out", func(d *dialect) { d.text.Empty = SkipEmpty }})
	}
	fields, _ := s.fields(0)
	var types, certs []string
	for _, f := range fields {
		switch strings.ToLower(strings.ReplaceAll(f.Name, "_", "")) {
		case "signtype", "signmethod", "encryptmode":
			types = append(types, f.Name)
		case "alipaycertsn", "certid", "certsn", "serialno", "keyserial":
			certs = append(certs, f.Name)
		}
	}
	for _, set := range [][]string{types, certs, slices.Concat(types, certs)} {
		if len(set) == 0 {
			continue
		}
		without := slices.Concat(slices.Clone(base.Exclude), set)
		with := slices.DeleteFunc(slices.Clone(base.Exclude), func(n string) bool { return slices.Contains(set, n) })
		parts = append(parts,
			twist{strings.Join(set, ", ") + " not signed", func(d *dialect) { d.text.Exclude = without }},
			twist{strings.Join(set, ", ") + " signed too", func(d *dialect) { d.text.Exclude = with }})
	}
	for i := 1; i < readings; i++ {
		read = append(read, twist{readingName(s.in.Format, i), func(d *dialect) { d.reading = i }})
	}
	orders := []twist{
		{"the fields are signed in the order of the message, not sorted", func(d *dialect) { d.text.Order, d.text.List = WireOrder, nil }},
		{"the fields are sorted by name", func(d *dialect) { d.text.Order, d.text.List = ByteOrder, nil }},
	}
	return [][]twist{empties, parts, s.secretTwists(), read, orders, separatorTwists(), charsetTwists(), escapeTwists()}
}

func separatorTwists() []twist {
	between := func(name, pair string) twist {
		return twist{"the fields are separated by " + name, func(d *dialect) { d.text.Pair = pair }}
	}
	return []twist{
		{"only the values are signed, separated by &", func(d *dialect) { d.text.ValuesOnly, d.text.Pair = true, "&" }},
		{"only the values are signed, without separator", func(d *dialect) { d.text.ValuesOnly, d.text.Pair = true, NoSeparator }},
		{"names and values are signed without any separator", func(d *dialect) { d.text.Pair, d.text.Assign = NoSeparator, NoSeparator }},
		between("a line break", "\n"), between("|", "|"), between("a comma", ","), between("a semicolon", ";"), between("nothing", NoSeparator),
		{"name and value are separated by a colon", func(d *dialect) { d.text.Assign = ":" }},
		{"a separator follows the last field too", func(d *dialect) { d.text.Trailing = true }},
	}
}

func charsetTwists() []twist {
	var out []twist
	for _, c := range []Charset{GBK, GB18030} {
		out = append(out,
			twist{"the text is signed in " + string(c) + ", not UTF-8", func(d *dialect) { d.text.Charset = c }},
			twist{"the message is in " + string(c) + ", the text is signed in UTF-8", func(d *dialect) { d.decode = c }})
	}
	return out
}

func escapeTwists() []twist {
	var out []twist
	for e, name := range map[Escape]string{EscapeQuery: "url.QueryEscape", EscapeForm: "Java's URLEncoder", EscapeRFC3986: "rawurlencode"} {
		out = append(out, twist{"the values are URL-encoded before signing, as " + name + " does", func(d *dialect) { d.text.Escape = e }})
	}
	slices.SortFunc(out, func(a, b twist) int { return strings.Compare(a.change, b.change) })
	return out
}

// secretTwists put the secret where gateways have it. The list is for keyed digests;
// WeChat Pay v2 does so for HMAC as well.
func (s *search) secretTwists() []twist {
	if len(s.cfg.Secret) == 0 {
		return nil
	}
	var out []twist
	for _, a := range []Affix{
		{"&key=", SecretRaw, ""}, {"", SecretRaw, ""}, {"&", SecretRaw, ""}, {"&secret=", SecretRaw, ""},
		{"&access_token=", SecretRaw, ""}, {"&", SecretSHA256Hex, ""}, {"&", SecretSM3Hex, ""}, {"&", SecretMD5Hex, ""},
	} {
		out = append(out, twist{"the secret follows the fields" + behind(a), func(d *dialect) { d.text.Prefix, d.text.Suffix = Affix{}, a }})
	}
	return append(out,
		twist{"the secret stands before the fields", func(d *dialect) { d.text.Prefix, d.text.Suffix = Affix{Secret: SecretRaw}, Affix{} }},
		twist{"the secret stands before the fields and behind them", func(d *dialect) {
			d.text.Prefix, d.text.Suffix = Affix{Secret: SecretRaw}, Affix{Secret: SecretRaw}
		}},
		twist{"the secret is not in the text", func(d *dialect) { d.text.Prefix, d.text.Suffix = Affix{}, Affix{} }})
}

func behind(a Affix) string {
	s := ""
	switch a.Secret {
	case SecretSHA256Hex:
		s = " as the hex of its SHA-256"
	case SecretSM3Hex:
		s = " as the hex of its SM3"
	case SecretMD5Hex:
		s = " as the hex of its MD5"
	}
	if a.Before != "" {
		s += " behind " + a.Before
	}
	return s
}
