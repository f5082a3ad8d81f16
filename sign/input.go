package sign

// Input is what a message offers to be signed. A dialect takes what it needs and
// does not look at the rest.
type Input struct {
	// Fields are the named values of a field dialect. Where there are none, they
	// are read from Body as the profile says.
	Fields []Field
	// Body is the raw body as sent or received, at most 1 MiB.
	Body []byte
	// Method, Target (path and raw query as sent), Timestamp and Nonce are lines.
	Method, Target, Timestamp, Nonce string
	// Auth is Alipay v3's authString, and Token its appAuthToken, or empty.
	Auth, Token string
	// Secret goes into the text of dialects that have it there. It is not kept.
	Secret Secret
}
