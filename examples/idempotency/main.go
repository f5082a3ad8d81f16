// Command idempotency answers a refund endpoint on net/http, chi or gin, and carries
// each Idempotency-Key out once.
//
//	go run ./examples/idempotency                 # calls itself, prints what it was answered
//	go run ./examples/idempotency -router gin
//	go run ./examples/idempotency -listen :8080   # serves until it is interrupted
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/bankrail/bankrail/store/sqlstore"
)

func main() {
	router := flag.String("router", "nethttp", "nethttp, chi or gin")
	listen := flag.String("listen", "", "serve here instead of calling itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *router, *listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, router, listen string) error {
	build, ok := routers[router]
	if !ok {
		return fmt.Errorf("router %q: want nethttp, chi or gin", router)
	}
	// A file in the place of :memory: remembers the keys across restarts.
	db, err := sqlstore.OpenSQLite(":memory:", sqlstore.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	handler := build(&shop{}, db.Keys())
	if listen != "" {
		return serve(ctx, listen, handler)
	}
	return story(ctx, out, handler)
}

// serve answers until ctx ends.
func serve(ctx context.Context, listen string, handler http.Handler) error {
	server := &http.Server{Addr: listen, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(end); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// story is a client who repeats itself.
func story(ctx context.Context, out io.Writer, handler http.Handler) error {
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, x := range []struct{ what, key, body string }{
		{"no key", "", `{"order":"O77","minor":1234}`},
		{"bad request", `"k1"`, `{"order":"","minor":1234}`},
		{"first", `"k1"`, `{"order":"O77","minor":1234}`},
		{"repeat", `"k1"`, `{"order":"O77","minor":1234}`},
		{"other amount", `"k1"`, `{"order":"O77","minor":9999}`},
		{"another key", `"k2"`, `{"order":"O78","minor":100}`},
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/refunds", strings.NewReader(x.body))
		if err != nil {
			return err
		}
		if x.key != "" {
			r.Header.Set("Idempotency-Key", x.key)
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		replayed := ""
		if resp.Header.Get("Idempotent-Replayed") == "true" {
			replayed = " (replayed)"
		}
		fmt.Fprintf(out, "%-12s %d%s %s\n", x.what, resp.StatusCode, replayed, strings.TrimSpace(string(body)))
	}
	return nil
}
