package notify_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
)

// hanging is a journal whose store never answers.
type hanging struct{}

func (hanging) Receive(ctx context.Context, _ journal.Notice) error {
	<-ctx.Done()
	return ctx.Err()
}

// plainly reads every message as one notice without news.
type plainly struct{}

func (plainly) ReadNotice(context.Context, notify.Message) (journal.Notice, error) {
	return journal.Notice{ID: "N1", At: time.Now()}, nil
}

func (plainly) Acknowledgement() string { return "OK" }

// A delivery outlives its connection, but not for ever: a store that hangs would gather
// one goroutine for each.
func TestAStoreThatHangsDoesNotKeepTheDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		var observed error
		h := notify.Handler(hanging{}, plainly{}, notify.Config{Observe: func(_ context.Context, err error) { observed = err }})
		began := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodPost, "/", strings.NewReader("x")))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.ErrorIs(t, observed, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(began))
	})
}
