package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Admin is the management side, for tests in other languages and for people. It
// gives out private test keys and obeys everyone: serve it on a loopback address,
// apart from the bank. JSON in and out; amounts in fen.
//
//	GET  /keys           Keys
//	GET  /ledger         Ledger
//	GET  /notifications  []Notice
//	POST /trades         {"tradeNo":"T1","paidAmount":9900,"status":"PAID"}
//	GET  /clock          {"now":"…"}
//	POST /clock          {"advance":"90s"}: more than 5 min in all, and clients have to follow
//	GET  /faults         Shares
//	PUT  /faults         Shares
//	POST /script         {"number":"R1","request":["reply-lost"],"query":[],"notice":[]}
//	POST /settle         {"number":"R1","outcome":"SUCCESS"}
//	POST /bounce         {"number":"R1"}
func (b *Bank) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", show(func() any { return b.Keys() }))
	mux.HandleFunc("GET /ledger", show(func() any { return b.Ledger() }))
	mux.HandleFunc("GET /notifications", show(func() any { return b.Notices() }))
	mux.HandleFunc("GET /faults", show(func() any { b.mu.Lock(); defer b.mu.Unlock(); return b.shares }))
	mux.HandleFunc("GET /clock", show(func() any { return clockNow{b.Now()} }))
	mux.HandleFunc("POST /trades", do(b.AddTrade))
	mux.HandleFunc("PUT /faults", do(b.SetFaults))
	mux.HandleFunc("POST /clock", do(func(in struct {
		Advance string `json:"advance"`
	}) error {
		d, err := time.ParseDuration(in.Advance)
		if err == nil {
			b.Advance(d)
		}
		return err
	}))
	mux.HandleFunc("POST /script", do(b.scriptAll))
	mux.HandleFunc("POST /settle", do(func(in decision) error { return b.Settle(in.Number, in.Outcome) }))
	mux.HandleFunc("POST /bounce", do(func(in decision) error { return b.Bounce(in.Number) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A browser sends Origin with what a page has it post: no page may steer the bank.
		if r.Header.Get("Origin") != "" {
			http.Error(w, "not for browsers", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type clockNow struct {
	Now time.Time `json:"now"`
}

type decision struct {
	Number  string `json:"number"`
	Outcome Status `json:"outcome"`
}

type scripts struct {
	Number  string  `json:"number"`
	Request []Fault `json:"request"`
	Query   []Fault `json:"query"`
	Notice  []Fault `json:"notice"`
}

func (b *Bank) scriptAll(in scripts) error {
	if err := b.Script(in.Number, in.Request...); err != nil {
		return err
	}
	if err := b.ScriptQuery(in.Number, in.Query...); err != nil {
		return err
	}
	return b.ScriptNotify(in.Number, in.Notice...)
}

func show(of func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(of()) // the client went away
	}
}

// do answers 204 once an order is carried out, or 400 with the reason.
func do[T any](order func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
		dec.DisallowUnknownFields()
		err := dec.Decode(&in)
		if err == nil {
			err = order(in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
