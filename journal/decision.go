package journal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bankrail/bankrail"
)

// Proof says what a decision stands on.
type Proof string

// The proofs.
const (
	// ProofRecord is the bank's own record of the number: succeeded, or refused, closed or
	// failed. It proves either outcome, and alone that another amount moved.
	ProofRecord Proof = "record"
	// ProofAbsent is that the bank does not know the number. It proves a failure only if
	// the journal itself was told so (Entry.AbsentAt; see Book.Ask) in answer to a question
	// put when the last copy could not be alive and every query had to see it, and if the
	// bank never knew the number before.
	ProofAbsent Proof = "absent"
	// ProofStatement is the bank's statements: the line of a success; for a failure that
	// there is none, where they are complete for a whole day beyond the last on which the
	// number could be booked.
	ProofStatement Proof = "statement"
)

// The longest texts of a person, in characters.
const (
	maxBy        = 64
	maxReference = 100
	maxWhy       = 200
)

// DecisionError says why a decision cannot be taken; nothing was changed.
type DecisionError struct {
	Entry bankrail.ID
	// Problem says what is missing.
	Problem string
	// From is when the same kind of proof counts at the earliest; zero where time alone
	// does not help.
	From time.Time
}

// Error writes "journal: decision of …: problem; from …".
func (e *DecisionError) Error() string {
	s := fmt.Sprintf("journal: decision of %s: %s", e.Entry, e.Problem)
	if !e.From.IsZero() {
		s += "; it counts from " + e.From.Format(time.RFC3339)
	}
	return s
}

// Unwrap returns bankrail.ErrForbidden.
func (e *DecisionError) Unwrap() error { return bankrail.ErrForbidden }

// check finds what is wrong with a decision whatever the entry.
func (c Decision) check() error {
	bad := func(field, problem string) error {
		return &bankrail.FieldError{Field: "Decision." + field, Problem: problem}
	}
	switch {
	case c.Version < 1:
		return bad("Version", "required: that of the entry as it was seen")
	case c.Status != bankrail.Succeeded && c.Status != bankrail.Failed:
		return bad("Status", "want succeeded or failed")
	case c.Proof != ProofRecord && c.Proof != ProofAbsent && c.Proof != ProofStatement:
		return bad("Proof", "want record, absent or statement")
	case c.Status == bankrail.Succeeded && c.Proof == ProofAbsent:
		return bad("Proof", "absence proves no success")
	case c.Status == bankrail.Failed && !c.Amount.IsZero():
		return bad("Amount", "a failure moved none")
	case c.Amount.Minor() < 0:
		return bad("Amount", "must be above zero, is "+c.Amount.String())
	case c.Proof == ProofStatement && c.Status == bankrail.Failed && c.CompleteThrough.IsZero():
		return bad("CompleteThrough", "required: through which day the statements are complete")
	case c.CompleteThrough.Location() == time.Local:
		return bad("CompleteThrough", "state the bank's time zone; this machine's says nothing")
	}
	if err := phrase("Decision.Reference", c.Reference, maxReference); err != nil {
		return err
	}
	if err := phrase("Decision.By", c.By, maxBy); err != nil {
		return err
	}
	return phrase("Decision.Why", c.Why, maxWhy)
}

// phrase refuses a text of a person that is missing, too long or more than one line.
func phrase(field, s string, limit int) error {
	problem := ""
	switch {
	case strings.TrimSpace(s) == "":
		problem = "required"
	case s != strings.TrimSpace(s):
		problem = "has space around it"
	case !utf8.ValidString(s):
		problem = "is not UTF-8"
	case utf8.RuneCountInString(s) > limit:
		problem = fmt.Sprintf("has more than %d characters", limit)
	case strings.ContainsFunc(s, unreadable):
		problem = "has characters that do not print"
	default:
		return nil
	}
	return &bankrail.FieldError{Field: field, Problem: problem}
}

// unreadable characters break a line, or make a text read another way than it is.
func unreadable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// of fills in what defaults to the entry's.
func (c Decision) of(e Entry) Decision {
	if c.Status == bankrail.Succeeded && c.Amount.IsZero() {
		c.Amount = e.Amount
	}
	return c
}

// How the notes of a decision begin.
const (
	decidedBy  = "decided"
	proposedBy = "proposed"
)

// note is what the history keeps of a decision. It tells two decisions apart.
func (c Decision) note(verb string) string {
	s := fmt.Sprintf("%s %s by %s, on %s %q", verb, c.Status, c.By, c.Proof, c.Reference)
	if c.Status == bankrail.Succeeded {
		s = fmt.Sprintf("%s %s of %s by %s, on %s %q", verb, c.Status, c.Amount, c.By, c.Proof, c.Reference)
	}
	if !c.CompleteThrough.IsZero() {
		s += " complete through " + c.CompleteThrough.Format("2006-01-02 -07:00")
	}
	return s + ": " + c.Why
}

// taken reports whether this very decision was taken before: it ended the entry, or
// was the proposal that the end followed, or still is the proposal.
func (c Decision) taken(e Entry, past []Step) bool {
	ended := e.Status.Final() && e.Cause == CauseDecided
	proposed := e.Status == bankrail.Manual && e.Proposal.By != "" && c.Version == e.Version-1
	for _, s := range past {
		if s.Source != SourceOperator || s.Evidence != c.Evidence || s.Version != c.Version+1 {
			continue
		}
		switch s.Note {
		case c.note(decidedBy):
			return ended
		case c.note(proposedBy):
			return proposed || ended
		}
	}
	return false
}
