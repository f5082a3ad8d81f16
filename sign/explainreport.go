package sign

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Explanation is what [Explain] found out. It holds what the message holds, so it
// belongs on the screen of whoever may read the message; the secret is not in it.
type Explanation struct {
	// Text is what the dialect believed in signs, with "<secret>" where the secret
	// stands. Nil where the message cannot be read that way.
	Text []byte
	// Digest is the hex SHA-256 of Text as it is here, to compare with the other side.
	Digest string
	// Verifies says that the signature is one of Text exactly as believed.
	Verifies bool
	// Found says that the signature is one of FoundText.
	Found bool
	// FoundText is the text that was signed, with "<secret>" for the secret.
	FoundText []byte
	// FoundDigest is the hex SHA-256 of FoundText as it is here.
	FoundDigest string
	// Changes is what differs from what was believed, one sentence each. Empty if Verifies.
	Changes []string
	// Algorithm is that of the signature; empty where no algorithm of this package makes it.
	Algorithm Algorithm
	// PreDigest is what was signed in place of FoundText.
	PreDigest PreDigest
	// Profiles names the profiles that sign FoundText so.
	Profiles []string
	// Notes are what can be said though nothing was found.
	Notes []string
	// Tried is how many different texts were tried.
	Tried int
}

// finish computes the digests of what is shown and takes the secret out.
func (e *Explanation) finish(secret Secret) {
	e.Text, e.Digest = masked(e.Text, secret)
	e.FoundText, e.FoundDigest = masked(e.FoundText, secret)
}

// masked puts "<secret>" in the place of the secret and of its digests, which are as
// good as the secret where a gateway appends them.
func masked(text []byte, secret Secret) ([]byte, string) {
	if len(text) == 0 {
		return nil, ""
	}
	if len(secret) > 0 {
		for _, h := range []Hash{HashSHA256, HashSM3, HashMD5} {
			if sum, err := h.sum(secret); err == nil {
				text = bytes.ReplaceAll(text, []byte(hex.EncodeToString(sum)), []byte("<secret>"))
			}
		}
		text = bytes.ReplaceAll(text, secret, []byte("<secret>"))
	}
	return text, digest(text)
}

// String is a report of several lines, safe for a terminal.
func (e *Explanation) String() string {
	var b strings.Builder
	if e.Text != nil {
		fmt.Fprintf(&b, "text    %s\nsha256  %s\n", shownText(e.Text), e.Digest)
	} else {
		b.WriteString("text    the message cannot be read as this dialect\n")
	}
	switch {
	case e.Verifies:
		fmt.Fprintf(&b, "result  verifies, %s\n", e.Algorithm)
	case e.Found:
		b.WriteString("result  does not verify so, but does with\n")
		for _, c := range e.Changes {
			fmt.Fprintf(&b, "        - %s\n", c)
		}
		fmt.Fprintf(&b, "signed  %s\nsha256  %s\n", shownText(e.FoundText), e.FoundDigest)
	default:
		fmt.Fprintf(&b, "result  does not verify, nor does any of %d texts\n", e.Tried)
	}
	if len(e.Profiles) > 0 {
		fmt.Fprintf(&b, "profile %s\n", strings.Join(e.Profiles, ", "))
	}
	for _, n := range e.Notes {
		fmt.Fprintf(&b, "note    %s\n", n)
	}
	return b.String()
}

// shownText quotes a text, so that line breaks and bytes that are no characters show.
func shownText(text []byte) string {
	const limit = 4096
	if len(text) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return strconv.Quote(string(text[:cut])) + fmt.Sprintf(" … %d bytes in all", len(text))
	}
	return strconv.Quote(string(text))
}

func sum256(text []byte) [32]byte { return sha256.Sum256(text) }
