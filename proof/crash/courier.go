package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// courier carries a bank's notifications to the host that lives now, and remembers
// what was acknowledged.
type courier struct {
	host atomic.Pointer[string]

	mu           sync.Mutex
	acknowledged map[string]bool
}

// RoundTrip is http.RoundTripper.
func (c *courier) RoundTrip(r *http.Request) (*http.Response, error) {
	at := c.host.Load()
	if at == nil {
		return nil, errors.New("no host has come up yet")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	out.URL.Host = *at
	out.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	if resp.StatusCode == http.StatusOK && string(answer) == "SUCCESS" {
		var n struct {
			ID string `json:"notifyId"`
		}
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.acknowledged == nil {
			c.acknowledged = map[string]bool{}
		}
		c.acknowledged[n.ID] = true
	}
	return resp, nil
}

// taken lists the notices that were acknowledged.
func (c *courier) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.acknowledged))
}
