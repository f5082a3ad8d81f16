package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// table aligns columns; an empty cell is a dash. What came from outside is printed so
// that it cannot move the cursor or begin a line.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, heads ...string) table {
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	if len(heads) > 0 {
		t.row(heads...)
	}
	return t
}

func (t table) row(cells ...string) {
	for i, c := range cells {
		if cells[i] = printable(c); cells[i] == "" {
			cells[i] = "-"
		}
	}
	_, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t table) end() { _ = t.w.Flush() }

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
}

func all(s string) string {
	if s == "" {
		return "(all)"
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func amount(m bankrail.Money) string {
	if m.IsZero() {
		return ""
	}
	return m.String()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// entryRow is an entry as JSON: without the request, the reply and the secrets.
type entryRow struct {
	Entry         string            `json:"entry"`
	Version       int64             `json:"version"`
	Status        bankrail.Status   `json:"status"`
	Cause         journal.Cause     `json:"cause,omitempty"`
	Order         string            `json:"order,omitempty"`
	Amount        bankrail.Money    `json:"amount"`
	Settled       bankrail.Money    `json:"settled,omitzero"`
	Held          bankrail.Money    `json:"held,omitzero"`
	GatewayNumber string            `json:"gateway_number,omitempty"`
	Operator      string            `json:"operator,omitempty"`
	Code          string            `json:"code,omitempty"`
	Message       string            `json:"message,omitempty"`
	Sends         int               `json:"sends"`
	Tries         int               `json:"tries"`
	FirstSend     time.Time         `json:"first_send,omitzero"`
	LastSendBy    time.Time         `json:"last_send_by,omitzero"`
	AcceptedAt    time.Time         `json:"accepted_at,omitzero"`
	AbsentAt      time.Time         `json:"absent_at,omitzero"`
	NextAt        time.Time         `json:"next_at,omitzero"`
	Expires       time.Time         `json:"expires,omitzero"`
	Proposal      *journal.Proposal `json:"proposal,omitempty"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

func entryOf(e journal.Entry) entryRow {
	r := entryRow{
		Entry: e.ID.String(), Version: e.Version, Status: e.Status, Cause: e.Cause, Order: e.Order,
		Amount: e.Amount, Settled: e.Settled, Held: e.Held, GatewayNumber: e.GatewayNumber, Operator: e.Operator,
		Code: e.Code, Message: e.Message, Sends: e.Sends, Tries: e.Tries, FirstSend: e.FirstSend,
		LastSendBy: e.LastSendBy, AcceptedAt: e.AcceptedAt, AbsentAt: e.AbsentAt, NextAt: e.NextAt,
		Expires: e.Expires, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if e.Proposal.By != "" {
		r.Proposal = &e.Proposal
	}
	return r
}

type stepRow struct {
	Version  int64           `json:"version"`
	From     bankrail.Status `json:"from,omitzero"`
	To       bankrail.Status `json:"to"`
	Source   journal.Source  `json:"source"`
	Evidence string          `json:"evidence,omitempty"`
	Note     string          `json:"note"`
	At       time.Time       `json:"at"`
}

func stepOf(s journal.Step) stepRow {
	r := stepRow{Version: s.Version, From: s.From, To: s.To, Source: s.Source, Note: s.Note, At: s.At}
	if s.Evidence != ([32]byte{}) {
		r.Evidence = fmt.Sprintf("%x", s.Evidence)
	}
	return r
}

type budgetRow struct {
	Order   string         `json:"order"`
	Limit   bankrail.Money `json:"limit"`
	Held    bankrail.Money `json:"held"`
	Stopped bool           `json:"stopped"`
}

type anomalyRow struct {
	Kind journal.AnomalyKind `json:"kind"`
	Note string              `json:"note"`
	At   time.Time           `json:"at"`
}

// view is what show shows.
type view struct {
	Entry      entryRow     `json:"entry"`
	Correction string       `json:"correction,omitempty"`
	Budget     *budgetRow   `json:"budget,omitempty"`
	Exchanges  int          `json:"exchanges"`
	History    []stepRow    `json:"history"`
	Anomalies  []anomalyRow `json:"anomalies,omitempty"`
}

func (v view) print(w io.Writer) error {
	e := v.Entry
	t := newTable(w)
	line := func(name, value string) {
		if value != "" && value != "-" {
			t.row(name, value)
		}
	}
	line("entry", e.Entry)
	line("status", strings.TrimSpace(e.Status.String()+" "+string(e.Cause)))
	line("version", fmt.Sprint(e.Version))
	line("amount", e.Amount.String())
	line("settled", amount(e.Settled))
	line("order", e.Order)
	if b := v.Budget; b != nil {
		line("budget", fmt.Sprintf("%s held of %s, stopped: %s", b.Held, b.Limit, yes(b.Stopped)))
	}
	line("bank's number", e.GatewayNumber)
	line("operator", e.Operator)
	line("code", e.Code)
	line("message", e.Message)
	line("correction", v.Correction)
	line("copies sent", fmt.Sprint(e.Sends))
	line("last send by", moment(e.LastSendBy))
	line("accepted", moment(e.AcceptedAt))
	line("absent, asked", moment(e.AbsentAt))
	line("next look", moment(e.NextAt))
	line("expires", moment(e.Expires))
	line("recorded", moment(e.CreatedAt))
	line("exchanges", fmt.Sprint(v.Exchanges))
	if p := e.Proposal; p != nil {
		line("proposed", fmt.Sprintf("%s by %s, on %s %q: %s", strings.TrimSpace(p.Status.String()+" "+amount(p.Amount)), p.By, p.Proof, p.Reference, p.Why))
	}
	t.end()
	_, _ = fmt.Fprintln(w)
	h := newTable(w, "VERSION", "AT", "FROM", "TO", "SOURCE", "NOTE")
	for _, s := range v.History {
		from := s.From.String()
		if s.From == 0 {
			from = ""
		}
		h.row(fmt.Sprint(s.Version), moment(s.At), from, s.To.String(), string(s.Source), s.Note)
	}
	h.end()
	if len(v.Anomalies) > 0 {
		_, _ = fmt.Fprintln(w)
		a := newTable(w, "ANOMALY", "AT", "NOTE")
		for _, x := range v.Anomalies {
			a.row(string(x.Kind), moment(x.At), x.Note)
		}
		a.end()
	}
	return nil
}

type limitRow struct {
	Gateway  string         `json:"gateway"`
	Merchant string         `json:"merchant,omitempty"`
	Op       bankrail.Op    `json:"op,omitempty"`
	Stopped  bool           `json:"stopped"`
	Max      bankrail.Money `json:"max,omitzero"`
	By       string         `json:"by"`
	Why      string         `json:"why"`
	At       time.Time      `json:"at"`
}

func limitOf(l journal.Limit) limitRow {
	return limitRow{l.Gateway, l.Merchant, l.Op, l.Stopped, l.Max, l.By, l.Why, l.At}
}

type healthRow struct {
	At          time.Time      `json:"at"`
	Created     int            `json:"created"`
	Processing  int            `json:"processing"`
	Manual      int            `json:"manual"`
	Ages        map[string]int `json:"open_by_age"`
	Oldest      time.Time      `json:"oldest,omitzero"`
	Due         int            `json:"due"`
	LateSeconds int64          `json:"late_seconds"`
	Unpublished int            `json:"unpublished"`
	UnsaidSecs  int64          `json:"unpublished_seconds"`
	Pending     int            `json:"pending"`
	Anomalies   int            `json:"anomalies"`
}

func healthOf(h journal.Health) healthRow {
	ages := make(map[string]int, len(h.Ages))
	for i, n := range h.Ages {
		ages[ageOf(i)] = n
	}
	return healthRow{
		h.At, h.Created, h.Processing, h.Manual, ages, h.Oldest, h.Due, int64(h.Late() / time.Second),
		h.Unpublished, int64(h.Unsaid() / time.Second), h.Pending, h.Anomalies,
	}
}

// ageOf names a class of Health.Ages.
func ageOf(i int) string {
	if i == len(journal.HealthAges) {
		return "older"
	}
	return "below " + short(journal.HealthAges[i])
}

// short writes 10m0s as 10m.
func short(d time.Duration) string {
	s := strings.Replace(d.String(), "m0s", "m", 1)
	return strings.Replace(s, "h0m", "h", 1)
}

func printHealth(w io.Writer, h journal.Health) {
	_, _ = fmt.Fprintf(w, "%s\n", h)
	if h.Open() == 0 {
		return
	}
	_, _ = fmt.Fprintln(w)
	t := newTable(w, "OPEN FOR", "ENTRIES")
	for i, n := range h.Ages {
		t.row(ageOf(i), fmt.Sprint(n))
	}
	t.end()
}
