package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// The least that decide waits where the host's gateway promises less: too long is safe.
const (
	leastVisible = 10 * time.Minute
	leastSettles = 72 * time.Hour
	leastCall    = 20 * time.Second
)

// decideFlags are the command line of "bankrail journal decide".
type decideFlags struct {
	version                                   int64
	status, proof, amount, reference, by, why string
	evidence, through, zone, twoPersons       string
	visible, settles, call                    time.Duration
}

// decide settles a manual entry.
func (d office) decide(ctx context.Context, args []string) error {
	fs, s := d.flags("decide")
	var f decideFlags
	fs.Int64Var(&f.version, "version", 0, "the `version` you saw (show prints it)")
	fs.StringVar(&f.status, "status", "", "what became of it: `succeeded` or failed")
	fs.StringVar(&f.proof, "proof", "", "what that stands on: `record` (the bank's own), absent (the bank does not know it) or statement")
	fs.StringVar(&f.reference, "reference", "", "the bank's `number` of its record, or the name of the statement")
	fs.StringVar(&f.by, "by", "", "`who` decides")
	fs.StringVar(&f.why, "why", "", "`why`, in a sentence; it is kept, so write no secret")
	fs.StringVar(&f.amount, "amount", "", "what moved, if not the `amount` asked for: 99.00CNY")
	fs.StringVar(&f.through, "complete-through", "", "last `day` that the statements cover to its end; with -zone")
	fs.StringVar(&f.zone, "zone", "", "the bank's time `zone`: Asia/Shanghai, +08:00")
	fs.StringVar(&f.evidence, "evidence", "", "`SHA-256` in hex of a document that is kept elsewhere")
	fs.StringVar(&f.twoPersons, "two-persons", d.getenv("BANKRAIL_TWO_PERSONS"), "from this `amount` on a second person has to agree: 1000.00CNY (default: $BANKRAIL_TWO_PERSONS, or one is enough)")
	fs.DurationVar(&f.visible, "visible", leastVisible, "how long a number may be invisible to the bank's queries")
	fs.DurationVar(&f.settles, "settles", leastSettles, "how long the bank may take to settle")
	fs.DurationVar(&f.call, "call-timeout", leastCall, "deadline of a call, as the host has it")
	id, err := d.parseEntry(fs, s, args)
	if err != nil {
		return err
	}
	c, two, err := f.read()
	if err != nil {
		return complain(fs, d.errs, err.Error())
	}
	cfg := journal.Config{CallTimeout: f.call, TwoPersons: two}
	return d.with(s, cfg, func(_ *sqlstore.DB, b *journal.Book) error {
		e, err := b.Decide(ctx, unwired{id, journal.Rules{Visible: f.visible, Settles: f.settles}}, id, c)
		if err != nil {
			return err
		}
		return d.done(s, e)
	})
}

// read makes a decision of the flags; the error says all that is missing.
func (f decideFlags) read() (c journal.Decision, two func(journal.Entry) bool, err error) {
	missing := f.missing()
	if len(missing) > 0 {
		return c, nil, errors.New("missing: " + strings.Join(missing, ", "))
	}
	if f.visible < leastVisible || f.settles < leastSettles || f.call < leastCall {
		return c, nil, fmt.Errorf("-visible is at least %s, -settles %s, -call-timeout %s", leastVisible, leastSettles, leastCall)
	}
	c = journal.Decision{Version: f.version, Proof: journal.Proof(f.proof), Reference: f.reference, By: f.by, Why: f.why}
	if c.Status, err = parseStatus(f.status); err != nil {
		return c, nil, err
	}
	if f.amount != "" {
		if c.Amount, err = parseMoney(f.amount); err != nil {
			return c, nil, fmt.Errorf("-amount: %w", err)
		}
	}
	if f.evidence != "" {
		b, err := hex.DecodeString(f.evidence)
		if err != nil || len(b) != len(c.Evidence) {
			return c, nil, errors.New("-evidence wants the 64 hex digits of a SHA-256")
		}
		copy(c.Evidence[:], b)
	}
	if f.through != "" {
		zone, err := parseZone(f.zone)
		if err != nil {
			return c, nil, fmt.Errorf("-zone: %w", err)
		}
		if c.CompleteThrough, err = time.ParseInLocation(time.DateOnly, f.through, zone); err != nil {
			return c, nil, errors.New("-complete-through wants a day like 2026-11-25")
		}
	}
	two, err = twoPersons(f.twoPersons)
	return c, two, err
}

func (f decideFlags) missing() (names []string) {
	for _, x := range []struct {
		name  string
		given bool
	}{
		{"-version", f.version != 0}, {"-status", f.status != ""}, {"-proof", f.proof != ""},
		{"-reference", f.reference != ""}, {"-by", f.by != ""}, {"-why", f.why != ""},
		{"-complete-through", f.through != "" || f.proof != string(journal.ProofStatement) || f.status != bankrail.Failed.String()},
		{"-zone", f.zone != "" || f.through == ""},
	} {
		if !x.given {
			names = append(names, x.name)
		}
	}
	return names
}

// twoPersons asks for a second person from an amount on, and wherever a first one has
// proposed: then the host wants two. Amounts of another currency need two as well.
func twoPersons(from string) (func(journal.Entry) bool, error) {
	var least bankrail.Money
	if from != "" {
		var err error
		if least, err = parseMoney(from); err != nil {
			return nil, fmt.Errorf("-two-persons: %w", err)
		}
	}
	return func(e journal.Entry) bool {
		if from == "" {
			return e.Proposal.By != ""
		}
		c, err := e.Amount.Cmp(least)
		return e.Proposal.By != "" || err != nil || c >= 0
	}, nil
}

// unwired drives entries without their gateway: for decisions, which ask nobody.
type unwired struct {
	id    bankrail.ID
	rules journal.Rules
}

var _ journal.Driver = unwired{}

var errUnwired = errors.New("no gateway is configured")

func (u unwired) Op() bankrail.Op           { return u.id.Op }
func (u unwired) Channel() bankrail.Channel { return u.id.Channel }
func (u unwired) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return u.rules, nil
}

func (u unwired) Send(context.Context, journal.Entry, []byte) (journal.Answer, error) {
	return journal.Answer{}, &bankrail.Error{Effect: bankrail.NotSent, Err: errUnwired}
}

func (u unwired) Query(context.Context, journal.Entry) (bankrail.Receipt, error) {
	return bankrail.Receipt{}, errUnwired
}

// done prints what an entry is now.
func (d office) done(s *shared, e journal.Entry) error {
	if s.json {
		return printJSON(d.out, entryOf(e))
	}
	text := fmt.Sprintf("%s is %s, version %d", e.ID, e.Status, e.Version)
	if p := e.Proposal; p.By != "" {
		text += fmt.Sprintf("; %s proposes %s, and another person has to agree", p.By, p.Status)
	}
	_, err := fmt.Fprintln(d.out, printable(text))
	return err
}

// cancel ends an entry that was not sent.
func (d office) cancel(ctx context.Context, args []string) error {
	fs, s := d.flags("cancel")
	by := fs.String("by", "", "`who` cancels")
	why := fs.String("why", "", "`why`, in a sentence")
	id, err := d.parseEntry(fs, s, args)
	if err != nil {
		return err
	}
	if *by == "" || *why == "" {
		return complain(fs, d.errs, "give -by and -why")
	}
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		e, err := b.Cancel(ctx, id, *by, *why)
		if err != nil {
			return err
		}
		return d.done(s, e)
	})
}

// stop puts a limit in force, or lifts it.
func (d office) stop(ctx context.Context, args []string) error {
	fs, s := d.flags("stop")
	var l journal.Limit
	var op, most string
	fs.StringVar(&l.Gateway, "gateway", "", "of this `gateway`, as configured: lanhai-production")
	fs.StringVar(&l.Merchant, "merchant", "", "of this `merchant` (default: all)")
	fs.StringVar(&op, "op", "", "this `operation`: refund (default: all)")
	fs.StringVar(&most, "max", "", "not stop, but cap at this `amount`: 100.00CNY")
	lift := fs.Bool("lift", false, "lift what was set for the same gateway, merchant and operation")
	fs.StringVar(&l.By, "by", "", "`who` stops or lifts")
	fs.StringVar(&l.Why, "why", "", "`why`, in a sentence")
	if err := d.parse(fs, s, args); err != nil {
		return err
	}
	l.Op, l.Stopped = bankrail.Op(op), most == "" && !*lift
	problem := ""
	switch {
	case l.Gateway == "" || l.By == "" || l.Why == "":
		problem = "give -gateway, -by and -why"
	case most != "" && *lift:
		problem = "give one of -max and -lift"
	case most != "":
		var err error
		if l.Max, err = parseMoney(most); err != nil {
			problem = "-max: " + err.Error()
		} else if !l.Max.Positive() {
			problem = "-max is above zero; without it everything is stopped"
		}
	}
	if err := complain(fs, d.errs, problem); err != nil {
		return err
	}
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		if err := b.SetLimit(ctx, l); err != nil {
			return err
		}
		what := "stopped"
		switch {
		case *lift:
			what = "lifted"
		case !l.Max.IsZero():
			what = "capped at " + l.Max.String()
		}
		_, err := fmt.Fprintf(d.out, "%s/%s/%s: %s; every node heeds it within its LimitsFor (1s by default)\n", l.Gateway, all(l.Merchant), all(op), what)
		return err
	})
}
