package idempotency_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/memstore"
)

// A shop's endpoint is called twice with one key: the second call gets the response of
// the first.
func ExampleMiddleware() {
	keys := idempotency.Middleware(memstore.NewKeys(memstore.Config{}), idempotency.Config{
		Check: func(r *http.Request) error {
			if r.Header.Get("Content-Type") != "application/json" {
				return &idempotency.Refusal{Status: http.StatusUnsupportedMediaType, Detail: "want JSON"}
			}
			return nil
		},
	})
	refunds := 0
	mux := http.NewServeMux()
	mux.Handle("POST /refunds", keys(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refunds++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "refund %d", refunds)
	})))

	for range 2 {
		r := httptest.NewRequest(http.MethodPost, "/refunds", strings.NewReader(`{"order":"O77"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Printf("%d %s, replayed %q\n", w.Code, w.Body, w.Header().Get("Idempotent-Replayed"))
	}
	// Output:
	// 201 refund 1, replayed ""
	// 201 refund 1, replayed "true"
}

// A handler that cannot tell what came of its request leaves the key open: repeats are
// answered as processing, and nobody carries it out again. Whoever learns the outcome
// completes the key.
func ExampleRun_Mark() {
	store := memstore.NewKeys(memstore.Config{})
	var lost idempotency.Run
	handler := idempotency.Middleware(store, idempotency.Config{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if run, ok := idempotency.RunOf(r.Context()); ok {
			run.Mark(idempotency.Open) // the outcome is not known
			lost = idempotency.Run{Key: run.Key, Epoch: run.Epoch}
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	post := func() {
		r := httptest.NewRequest(http.MethodPost, "/refunds", strings.NewReader(`{"order":"O77"}`))
		r.Header.Set("Idempotency-Key", "k1")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
	}
	post()
	post()
	response, err := idempotency.Response{Status: http.StatusCreated, Body: []byte("refund 1")}.MarshalBinary()
	if err == nil {
		err = store.Complete(context.Background(), lost.Key, lost.Epoch, idempotency.Done, response)
	}
	fmt.Println("settled:", err)
	post()
	// Output:
	// 202
	// 202 {"status":"processing","detail":"the outcome of this request is not known yet; repeat it with the same key"}
	// settled: <nil>
	// 201 refund 1
}

// Clients that do not repeat their bytes are told apart by what counts.
func ExampleConfig_fingerprint() {
	cfg := idempotency.Config{Fingerprint: func(r *http.Request, body []byte) (idempotency.Fingerprint, error) {
		var ask struct {
			Order  string `json:"order"`
			Amount string `json:"amount"`
		}
		if err := json.Unmarshal(body, &ask); err != nil {
			return idempotency.Fingerprint{}, &idempotency.Refusal{Detail: "want JSON"}
		}
		return idempotency.NewFingerprint(ask.Order, ask.Amount), nil
	}}
	one, err1 := cfg.Fingerprint(nil, []byte(`{"order":"O77","amount":"12.34"}`))
	two, err2 := cfg.Fingerprint(nil, []byte(`{"amount": "12.34", "order": "O77"}`))
	fmt.Println(one == two, err1, err2)
	// Output: true <nil> <nil>
}
