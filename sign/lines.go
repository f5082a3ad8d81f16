package sign

import "strings"

// Line names a part of a message that stands on a line of its own.
type Line string

// The parts gateways sign on lines. All but the body are refused when they hold CR,
// LF or NUL, which would move what is behind them onto another line.
const (
	LineMethod    Line = "method"    // upper-case letters: "POST"
	LineTarget    Line = "target"    // path and raw query as sent: "/v3/x?y=%20"
	LineTimestamp Line = "timestamp" // as sent; its age is the caller's to check
	LineNonce     Line = "nonce"     // as sent
	LineBody      Line = "body"      // the raw body; may be empty, and then its line is
	LineAuth      Line = "auth"      // Alipay v3: the authString
	LineToken     Line = "token"     // Alipay v3: appAuthToken; no line when empty
)

// Lines is a dialect that signs parts of a message, each ended by "\n", the last
// one too. The zero value is no dialect.
//
// A body may hold line breaks, so it has to be the last line for the text to be
// unique. With [LineToken] behind it (Alipay v3) it is not: a body that ends in
// "\ntoken" reads like a token. Take the token from configuration, not the message.
type Lines struct {
	// Parts are the lines in order. Required; at most 16.
	Parts []Line
}

// Append appends the text of in to dst.
//
// Errors: *Error with Part "text" for a part that is missing, is malformed or
// holds CR, LF or NUL; with Part "body" for a body above 1 MiB.
func (l Lines) Append(dst []byte, in Input) ([]byte, error) {
	if len(l.Parts) == 0 || len(l.Parts) > 16 {
		return nil, &Error{Part: partText, Problem: "the dialect has no lines, or more than 16"}
	}
	if len(in.Body) > maxBody {
		return nil, &Error{Part: partBody, Problem: "body is longer than 1 MiB"}
	}
	for _, line := range l.Parts {
		if line == LineBody {
			dst = append(append(dst, in.Body...), '\n')
			continue
		}
		part, err := in.line(line)
		if err != nil {
			return nil, err
		}
		if part != "" {
			dst = append(append(dst, part...), '\n')
		}
	}
	return dst, nil
}

// line returns one part; an empty one is to be left out.
func (in *Input) line(line Line) (part string, err error) {
	problem := ""
	switch line {
	case LineMethod:
		if part = in.Method; strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			problem = "is not in capitals"
		}
	case LineTarget:
		if part = in.Target; !strings.HasPrefix(part, "/") || strings.ContainsAny(part, " #") {
			problem = "is not a path and raw query as sent"
		}
	case LineTimestamp:
		part = in.Timestamp
	case LineNonce:
		part = in.Nonce
	case LineAuth:
		part = in.Auth
	case LineToken:
		part = in.Token
	default:
		return "", &Error{Part: partText, Problem: "the dialect has an unknown line"}
	}
	switch {
	case part == "" && line != LineToken:
		problem = "is missing"
	case len(part) > maxLine:
		problem = "is longer than 8192 bytes"
	case strings.ContainsAny(part, "\r\n\x00"):
		problem = "holds CR, LF or NUL"
	}
	if problem != "" {
		return "", &Error{Part: partText, Problem: "line " + string(line) + " " + problem}
	}
	return part, nil
}

const maxLine = 8192
