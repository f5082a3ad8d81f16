package idempotency_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/memstore"
)

// site is a middleware over a handler that counts how often it was called.
type site struct {
	store idempotency.Store
	cfg   idempotency.Config
	runs  atomic.Int32
	serve http.HandlerFunc
}

func newSite() *site {
	s := &site{store: memstore.NewKeys(memstore.Config{})}
	s.cfg.Logger = slog.New(slog.DiscardHandler)
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/refunds/R1")
		w.Header().Set("Set-Cookie", "session=s3cret")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("{\"number\":\"R1\"}\n\x00\xff"))
	}
	return s
}

func (s *site) handler() http.Handler {
	return idempotency.Middleware(s.store, s.cfg)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.runs.Add(1)
		s.serve(w, r)
	}))
}

func request(key, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/refunds?dry=0", strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return r
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

func (s *site) post(key, body string) *httptest.ResponseRecorder { return s.do(request(key, body)) }

// problem checks a refusal.
func problem(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), `"title":"`+http.StatusText(status)+`"`)
}

func TestARepeatIsAnsweredWithTheFirstResponse(t *testing.T) {
	t.Parallel()
	s := newSite()
	first := s.post("k1", "body")
	require.Equal(t, http.StatusCreated, first.Code)
	require.Empty(t, first.Header().Get("Idempotent-Replayed"))
	require.Equal(t, "session=s3cret", first.Header().Get("Set-Cookie"))
	for range 3 {
		again := s.post("k1", "body")
		require.Equal(t, http.StatusCreated, again.Code)
		require.Equal(t, first.Body.Bytes(), again.Body.Bytes())
		require.Equal(t, "true", again.Header().Get("Idempotent-Replayed"))
		require.Equal(t, "/refunds/R1", again.Header().Get("Location"))
		require.Equal(t, "application/json", again.Header().Get("Content-Type"))
		require.Empty(t, again.Header().Get("Set-Cookie"), "a cookie is nobody else's")
	}
	require.EqualValues(t, 1, s.runs.Load())
	s.post("k2", "body")
	require.EqualValues(t, 2, s.runs.Load())
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSite()
	for _, key := range []string{
		"", " ", `"`, `"open`, `"a"b`, `"a\b"`, `""`, `"a";p=1`, "a\x7f", "schlüssel", "a\tb", strings.Repeat("k", 256),
	} {
		problem(t, s.post(key, ""), http.StatusBadRequest)
	}
	r := request("a", "")
	r.Header.Add("Idempotency-Key", "b")
	problem(t, s.do(r), http.StatusBadRequest)
	require.Zero(t, s.runs.Load())

	require.Equal(t, http.StatusCreated, s.post(strings.Repeat("k", 255), "").Code)
	require.Equal(t, http.StatusCreated, s.post(`"quo\"ted \\"`, "").Code)
	require.Equal(t, "true", s.post(`quo"ted \`, "").Header().Get("Idempotent-Replayed"), "quoted or not, it is the same key")
}

func TestRequestsThatNeedNoKey(t *testing.T) {
	t.Parallel()
	s := newSite()
	require.Equal(t, http.StatusCreated, s.do(httptest.NewRequest(http.MethodGet, "/refunds", nil)).Code)
	s.cfg.Optional = true
	for range 2 {
		require.Equal(t, http.StatusCreated, s.post("", "").Code)
	}
	require.EqualValues(t, 3, s.runs.Load())
	problem(t, s.post(`"`, ""), http.StatusBadRequest)
}

func TestOneKeyForTwoRequests(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.post("k1", "a")
	problem(t, s.post("k1", "b"), http.StatusUnprocessableEntity)
	r := request("k1", "a")
	r.URL.RawQuery = "dry=1"
	problem(t, s.do(r), http.StatusUnprocessableEntity)
	require.EqualValues(t, 1, s.runs.Load())
	r = request("k1", "a")
	r.URL.Path = "/payments"
	require.Equal(t, http.StatusCreated, s.do(r).Code, "another route has keys of its own")

	s.cfg.Tenant = func(r *http.Request) string { return r.Header.Get("Tenant") }
	r = request("k1", "b")
	r.Header.Set("Tenant", "T2")
	require.Equal(t, http.StatusCreated, s.do(r).Code, "another tenant has keys of its own")
}

func TestAFingerprintOfTheHost(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.cfg.Fingerprint = func(_ *http.Request, body []byte) (idempotency.Fingerprint, error) {
		if len(body) == 0 {
			return idempotency.Fingerprint{}, &idempotency.Refusal{Detail: "empty"}
		}
		return idempotency.NewFingerprint(strings.TrimSpace(string(body))), nil
	}
	problem(t, s.post("k1", ""), http.StatusBadRequest)
	require.Equal(t, http.StatusCreated, s.post("k1", "a").Code)
	require.Equal(t, "true", s.post("k1", " a ").Header().Get("Idempotent-Replayed"))
}

func TestARequestInFlight(t *testing.T) {
	t.Parallel()
	s := newSite()
	inside, leave := make(chan struct{}), make(chan struct{})
	serve := s.serve
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-leave
		serve(w, r)
	}
	var first *httptest.ResponseRecorder
	var wg sync.WaitGroup
	wg.Go(func() { first = s.post("k1", "") })
	<-inside
	w := s.post("k1", "")
	problem(t, w, http.StatusConflict)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	close(leave)
	wg.Wait()
	require.Equal(t, first.Body.Bytes(), s.post("k1", "").Body.Bytes())
	require.EqualValues(t, 1, s.runs.Load())
}

func TestWhatALeaseLeavesBehindIsProcessing(t *testing.T) {
	t.Parallel()
	s := newSite()
	now := time.Unix(1, 0)
	s.store = memstore.NewKeys(memstore.Config{Now: func() time.Time { return now }})
	var during *httptest.ResponseRecorder
	serve := s.serve
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		now = now.Add(time.Minute)
		during = s.post("k1", "")
		serve(w, r)
	}
	require.Equal(t, http.StatusCreated, s.post("k1", "").Code)
	require.Equal(t, http.StatusAccepted, during.Code)
	require.Contains(t, during.Body.String(), `"processing"`)
	require.Equal(t, "true", s.post("k1", "").Header().Get("Idempotent-Replayed"), "the late end counts")
	require.EqualValues(t, 1, s.runs.Load())
}

func TestWhatEndsARequest(t *testing.T) {
	t.Parallel()
	mark := func(o idempotency.Outcome, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			run, ok := idempotency.RunOf(r.Context())
			if !ok || run.Epoch != 1 || run.Key.Key != "k1" || run.Key.Route != "POST /refunds" {
				panic("no run")
			}
			run.Mark(o)
			w.WriteHeader(status)
		}
	}
	write := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	for name, x := range map[string]struct {
		serve http.HandlerFunc
		again int
	}{
		"nothing written":         {func(http.ResponseWriter, *http.Request) {}, 200},
		"no content":              {write(204), 204},
		"accepted":                {write(202), 202},
		"see other":               {write(303), 303},
		"refused":                 {write(422), 422},
		"early hints are no end":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, 201},
		"two statuses":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, 201},
		"later":                   {write(429), 202},
		"failed":                  {write(500), 202},
		"unavailable":             {write(503), 202},
		"open although 200":       {mark(idempotency.Open, 200), 202},
		"done although 500":       {mark(idempotency.Done, 500), 500},
		"a mark that is none":     {mark("maybe", 200), 200},
		"written over the bound":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 101)) }, 202},
		"written up to the bound": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100)) }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite()
			s.serve, s.cfg.MaxResponse = x.serve, 100
			s.post("k1", "")
			for range 2 {
				require.Equal(t, x.again, s.post("k1", "").Code)
			}
			require.EqualValues(t, 1, s.runs.Load(), "it is carried out once")
		})
	}
}

func TestAPanicLeavesTheRequestOpenAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		run, _ := idempotency.RunOf(r.Context())
		run.Mark(idempotency.Done)
		_, _ = w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	}
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.post("k1", "") })
	require.Equal(t, http.StatusAccepted, s.post("k1", "").Code)
	require.EqualValues(t, 1, s.runs.Load())
}

func TestAResponseThatIsTooLongGoesOutWhole(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.cfg.MaxResponse = 10
	s.serve = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Kind", "long")
		w.WriteHeader(http.StatusCreated)
		for range 10 {
			_, _ = w.Write([]byte("seven.."))
		}
	}
	w := s.post("k1", "")
	require.Equal(t, http.StatusCreated, w.Code)
	require.Equal(t, "long", w.Header().Get("X-Kind"))
	require.Equal(t, strings.Repeat("seven..", 10), w.Body.String())
}

func TestChecksTakeNoKey(t *testing.T) {
	t.Parallel()
	s := newSite()
	var refusal error
	s.cfg.Check = func(r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "body" {
			return errors.New("no body")
		}
		return refusal
	}
	serve := s.serve
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != "body" {
			panic("the handler reads the body too")
		}
		serve(w, r)
	}
	refusal = &idempotency.Refusal{Detail: "amount is missing"}
	w := s.post("k1", "body")
	problem(t, w, http.StatusBadRequest)
	require.Contains(t, w.Body.String(), "amount is missing")
	refusal = &idempotency.Refusal{Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond}
	w = s.post("k1", "body")
	problem(t, w, http.StatusTooManyRequests)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	refusal = &idempotency.Refusal{Status: 200}
	problem(t, s.post("k1", "body"), http.StatusBadRequest)
	refusal = errors.New("password of the database")
	w = s.post("k1", "body")
	problem(t, w, http.StatusInternalServerError)
	require.NotContains(t, w.Body.String(), "password")
	refusal = nil
	require.Equal(t, http.StatusCreated, s.post("k1", "body").Code, "the key was free")
	require.Empty(t, s.post("k2", "body").Header().Get("Idempotent-Replayed"))
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.cfg.MaxBody = 4
	problem(t, s.post("k1", "12345"), http.StatusRequestEntityTooLarge)
	r := request("k1", "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("12345")), -1
	problem(t, s.do(r), http.StatusRequestEntityTooLarge)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("1"), failing{}))
	problem(t, s.do(r), http.StatusBadRequest)
	require.Zero(t, s.runs.Load())
	require.Equal(t, http.StatusCreated, s.post("k1", "1234").Code)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

// flaky is a store that fails as it is told.
type flaky struct {
	idempotency.Store
	begin, complete []string // fails before, or after, or "" not, one for each call
}

var errDown = errors.New("connection refused")

func (f *flaky) Begin(ctx context.Context, k idempotency.Key, p idempotency.Fingerprint, owner string, lease time.Duration) (c idempotency.Claim, err error) {
	if err := ctx.Err(); err != nil {
		return c, err
	}
	err = failed(&f.begin, func() error { c, err = f.Store.Begin(ctx, k, p, owner, lease); return err })
	return c, err
}

func (f *flaky) Complete(ctx context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	return failed(&f.complete, func() error { return f.Store.Complete(ctx, k, epoch, o, response) })
}

func failed(plan *[]string, do func() error) error {
	how := ""
	if len(*plan) > 0 {
		how, *plan = (*plan)[0], (*plan)[1:]
	}
	if how == "before" {
		return errDown
	}
	if err := do(); how == "" {
		return err
	}
	return errDown
}

func TestAStoreThatFails(t *testing.T) {
	t.Parallel()
	const before, after = "before", "after"
	for name, x := range map[string]struct {
		begin, complete []string
		first, again    int
		runs            int32
		logged          bool
	}{
		"cannot be reached":                          {[]string{before, before}, nil, 503, 201, 1, true},
		"cannot be reached once":                     {[]string{before}, nil, 201, 201, 1, false},
		"takes the key, its answer is lost":          {[]string{after}, nil, 201, 201, 1, false},
		"takes the key, and both answers are lost":   {[]string{after, after}, nil, 503, 409, 0, true},
		"is lost when the outcome is told":           {[]string{"", before}, []string{before, before}, 201, 409, 1, true},
		"keeps the outcome, its answer is lost":      {nil, []string{after}, 201, 201, 1, false},
		"loses the outcome, and is back":             {nil, []string{before}, 201, 201, 1, false},
		"keeps the outcome, and is lost for a while": {[]string{"", before}, []string{after}, 201, 201, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite()
			s.store = &flaky{Store: s.store, begin: x.begin, complete: x.complete}
			var log bytes.Buffer
			s.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			w := s.post("k1", "")
			require.Equal(t, x.first, w.Code)
			require.Equal(t, x.logged, log.Len() > 0, log.String())
			require.NotContains(t, log.String(), "k1")
			if x.first == 503 {
				problem(t, w, 503)
				require.Equal(t, "2", w.Header().Get("Retry-After"))
				require.Zero(t, s.runs.Load(), "nothing was carried out")
			}
			require.Equal(t, x.again, s.post("k1", "").Code)
			require.Equal(t, x.runs, s.runs.Load())
		})
	}
	s := newSite()
	s.store = nil
	problem(t, s.post("k1", ""), http.StatusServiceUnavailable)
}

func TestAClientThatLeavesDoesNotCutTheRecord(t *testing.T) {
	t.Parallel()
	s := newSite()
	ctx, leave := context.WithCancel(t.Context())
	serve := s.serve
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		leave()
		serve(w, r)
	}
	s.do(request("k1", "").WithContext(ctx))
	require.Equal(t, "true", s.post("k1", "").Header().Get("Idempotent-Replayed"))

	problem(t, s.do(request("k2", "").WithContext(ctx)), http.StatusServiceUnavailable)
	s.serve = serve
	require.Equal(t, http.StatusCreated, s.post("k2", "").Code, "who had left took no key")
}

func TestAWorkerEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := newSite()
	var run *idempotency.Run
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		run, _ = idempotency.RunOf(r.Context())
		w.WriteHeader(http.StatusBadGateway)
	}
	require.Equal(t, http.StatusBadGateway, s.post("k1", "").Code)
	require.Equal(t, http.StatusAccepted, s.post("k1", "").Code)
	response, err := idempotency.Response{Status: 201, Header: http.Header{"Location": {"/refunds/R1"}}, Body: []byte("paid\n")}.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, s.store.Complete(t.Context(), run.Key, run.Epoch, idempotency.Done, response))
	w := s.post("k1", "")
	require.Equal(t, http.StatusCreated, w.Code)
	require.Equal(t, "paid\n", w.Body.String())
	require.Equal(t, "/refunds/R1", w.Header().Get("Location"))

	n, err := s.store.Trim(t.Context(), time.Now().Add(time.Hour), 1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	w = s.post("k1", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "true", w.Header().Get("Idempotent-Replayed"))
	require.Contains(t, w.Body.String(), "completed")
	require.EqualValues(t, 1, s.runs.Load())
}

func TestAStoredResponseThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{"", "text", "{}\n", "{\n", `{"status":99}` + "\n", `{"status":"200"}` + "\n"} {
		s := newSite()
		s.serve = func(_ http.ResponseWriter, r *http.Request) {
			run, _ := idempotency.RunOf(r.Context())
			require.NoError(t, s.store.Complete(r.Context(), run.Key, run.Epoch, idempotency.Done, []byte(stored)))
		}
		require.Equal(t, http.StatusOK, s.post("k1", "").Code)
		problem(t, s.post("k1", ""), http.StatusInternalServerError)
		require.EqualValues(t, 1, s.runs.Load())
	}
	_, err := idempotency.Response{}.MarshalBinary()
	require.Error(t, err)
}

func TestManyAtOnceAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	s := newSite()
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	var wg sync.WaitGroup
	codes := make([]int, 16)
	for i := range codes {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("body"))
			if err != nil {
				return
			}
			r.Header.Set("Idempotency-Key", `"k1"`)
			if resp, err := server.Client().Do(r); err == nil {
				codes[i] = resp.StatusCode
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, s.runs.Load())
	require.Contains(t, codes, http.StatusCreated)
	for _, code := range codes {
		require.Contains(t, []int{http.StatusCreated, http.StatusConflict}, code)
	}
}

func TestLongPathsStillNameARoute(t *testing.T) {
	t.Parallel()
	s := newSite()
	for _, end := range []string{"a", "b"} {
		r := request("k1", "")
		r.URL.Path = "/" + strings.Repeat("x", 5000) + end
		require.Equal(t, http.StatusCreated, s.do(r).Code)
	}
	require.EqualValues(t, 2, s.runs.Load())
}

// One store serves two operations that see the same path: the response of one is no
// answer to the other.
func TestMountedOperationsShareNoKeys(t *testing.T) {
	t.Parallel()
	s := newSite()
	mux := http.NewServeMux()
	for _, at := range []string{"/refunds", "/payouts"} {
		mux.Handle(at+"/", http.StripPrefix(at, s.handler()))
	}
	for i, at := range []string{"/refunds/new", "/payouts/new", "/refunds/new"} {
		r := httptest.NewRequest(http.MethodPost, at, strings.NewReader("100"))
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, http.StatusCreated, w.Code)
		require.Equal(t, i == 2, w.Header().Get("Idempotent-Replayed") == "true", at)
	}
	require.EqualValues(t, 2, s.runs.Load())
}
