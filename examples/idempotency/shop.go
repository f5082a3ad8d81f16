package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/bankrail/bankrail/idempotency"
)

// shop refunds orders. A real one calls refund.Service.Create here, with a number of
// its own made from the key.
type shop struct{ refunds atomic.Int64 }

// ask is what clients send.
type ask struct {
	Order string `json:"order"`
	Minor int64  `json:"minor"`
}

// refund carries a checked request out.
func (s *shop) refund(a ask) (number string) {
	return fmt.Sprintf("R%d of %s", s.refunds.Add(1), a.Order)
}

// check refuses what cannot be carried out, before it takes a key.
func check(r *http.Request) error {
	var a ask
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return &idempotency.Refusal{Detail: "want JSON"}
	}
	if a.Order == "" || a.Minor <= 0 {
		return &idempotency.Refusal{Status: http.StatusUnprocessableEntity, Detail: "want an order and an amount above zero"}
	}
	return nil
}

// ServeHTTP is the endpoint as net/http and chi call it.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var a ask
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, "want JSON", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"refund": s.refund(a)})
}
