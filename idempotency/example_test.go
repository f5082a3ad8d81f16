package idempotency_test

import (
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
