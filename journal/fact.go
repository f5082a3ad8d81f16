package journal

import (
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
)

// fact is one thing that was learned of an entry, from wherever.
type fact struct {
	kind    factKind
	receipt bankrail.Receipt
	reply   []byte
	source  Source
	// evidence is the digest of the verified content.
	evidence [sha256.Size]byte
	// asked is when a query was put, by the store's clock.
	asked time.Time
	// err is what a send or a query failed with.
	err error
}

type factKind uint8

const (
	// factReceipt: the gateway said, authentically, what became of the number.
	factReceipt factKind = iota
	// factNotFound: the gateway said, authentically, that it does not know the number.
	factNotFound
	// factRefused: the gateway refused this copy, finally.
	factRefused
	// factDeferred: the gateway refused this copy for now.
	factDeferred
	// factNotSent: this copy certainly never left.
	factNotSent
	// factNothing: no answer, or none that can be believed.
	factNothing
)

// sent reads what a send brought back.
func sent(a Answer, err error) fact {
	f := fact{source: SourceAnswer, receipt: a.Receipt, reply: a.Reply, err: err, evidence: digest(a.Receipt)}
	var be *bankrail.Error
	switch {
	case err == nil:
		f.kind = factReceipt
	case bankrail.EffectOf(err) == bankrail.NotSent:
		f.kind = factNotSent
	case bankrail.EffectOf(err) != bankrail.Refused:
		f.kind = factNothing
	case errors.As(err, &be) && be.Deferred:
		f.kind = factDeferred
	default:
		f.kind = factRefused
	}
	return f
}

// asked reads what a query brought back.
func asked(r bankrail.Receipt, err error, at time.Time) fact {
	f := fact{source: SourceQuery, receipt: r, err: err, asked: at, evidence: digest(r)}
	switch {
	case err == nil:
		f.kind = factReceipt
	case errors.Is(err, bankrail.ErrNotFound):
		f.kind = factNotFound
	default:
		f.kind = factNothing
	}
	return f
}

// told reads the news of a notice.
func told(n News, from Source, evidence [sha256.Size]byte) fact {
	return fact{kind: factReceipt, source: from, receipt: n.Receipt, evidence: evidence}
}

func digest(r bankrail.Receipt) [sha256.Size]byte {
	if len(r.Raw) == 0 {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(r.Raw)
}

// said is the gateway's own words of an error, or the error's text without the names
// that whoever reports it puts in front again.
func said(err error) (code, message string) {
	if err == nil {
		return "", ""
	}
	var be *bankrail.Error
	switch {
	case !errors.As(err, &be):
		return "", clip(err.Error())
	case be.Code == "" && be.Message == "" && be.Err != nil:
		return "", clip(be.Err.Error())
	}
	return be.Code, be.Message
}

// words is what goes into the history of an error.
func words(err error) string {
	code, message := said(err)
	return strings.TrimSpace(code + " " + message)
}

// clip bounds text that goes into a row.
func clip(s string) string {
	if len(s) > 300 {
		return s[:300]
	}
	return s
}
