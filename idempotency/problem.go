package idempotency

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Refusal is an error of Config.Check that says how to answer.
type Refusal struct {
	// Status is the HTTP status, 400 to 599. Defaults to 400.
	Status int
	// Detail is told to the client.
	Detail string
	// RetryAfter goes out as a header, rounded up to seconds; zero does not.
	RetryAfter time.Duration
}

// Error writes the detail.
func (e *Refusal) Error() string { return "idempotency: request refused: " + e.Detail }

// problem answers with a body of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	body := struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{"about:blank", http.StatusText(status), status, detail}
	answer(w, status, "application/problem+json", body)
}

func answer(w http.ResponseWriter, status int, kind string, body any) {
	text, err := json.Marshal(body)
	if err != nil { // strings and numbers always are JSON
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// refuse answers an error of Check or Fingerprint.
func refuse(w http.ResponseWriter, err error) {
	var r *Refusal
	if !errors.As(err, &r) {
		problem(w, http.StatusInternalServerError, "the request could not be checked; nothing was done")
		return
	}
	status := r.Status
	if status < 400 || status > 599 {
		status = http.StatusBadRequest
	}
	if r.RetryAfter > 0 {
		retryAfter(w, r.RetryAfter)
	}
	problem(w, status, r.Detail)
}

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
}

type status struct {
	Status string `json:"status"`
	Detail string `json:"detail"`
}

func (cfg Config) processing(w http.ResponseWriter, _ *http.Request, _ Claim) {
	retryAfter(w, cfg.RetryAfter)
	answer(w, http.StatusAccepted, "application/json", status{"processing", "the outcome of this request is not known yet; repeat it with the same key"})
}

func trimmed(w http.ResponseWriter, _ *http.Request, _ Claim) {
	w.Header().Set(replayedHeader, "true")
	answer(w, http.StatusOK, "application/json", status{"completed", "this request was completed; its response is not kept any more"})
}
