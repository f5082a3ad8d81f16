package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/memstore"
)

func TestStoryIsTheSameOnEveryRouter(t *testing.T) {
	t.Parallel()
	for router := range routers {
		t.Run(router, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), &out, router, ""))
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			for i, want := range []string{
				"no key       400 {",
				"bad request  422 {",
				`first        201 {"refund":"R1 of O77"}`,
				`repeat       201 (replayed) {"refund":"R1 of O77"}`,
				"other amount 422 {",
				`another key  201 {"refund":"R2 of O78"}`,
			} {
				require.True(t, strings.HasPrefix(lines[i], want), "%s\n%s", want, lines[i])
			}
		})
	}
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, "echo", ""), "want nethttp, chi or gin")
}

// What gin's own handlers do to a response reaches the record: a status without a
// body, a failure, a panic.
func TestGinsHandlersAreRecorded(t *testing.T) {
	t.Parallel()
	runs := map[string]int{}
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	keys := idempotency.Middleware(memstore.NewKeys(memstore.Config{}), idempotency.Config{})
	e.POST("/:what", forGin(keys), func(c *gin.Context) {
		what := c.Param("what")
		runs[what]++
		switch what {
		case "nothing":
			c.Status(http.StatusNoContent)
		case "abort":
			c.AbortWithStatusJSON(http.StatusForbidden, gin.H{"why": "no"})
		case "fail":
			c.String(http.StatusBadGateway, "down")
		case "panic":
			panic("bug")
		}
	}, func(c *gin.Context) { runs["after "+c.Param("what")]++ })

	post := func(what string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/"+what, nil)
		r.Header.Set("Idempotency-Key", "k1")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	for what, codes := range map[string][2]int{"nothing": {204, 204}, "abort": {403, 403}, "fail": {502, 202}, "panic": {500, 202}} {
		first, again := post(what), post(what)
		require.Equal(t, codes, [2]int{first.Code, again.Code}, what)
		require.Equal(t, 1, runs[what], what)
		if first.Code == again.Code {
			require.Equal(t, first.Body.String(), again.Body.String())
			require.Equal(t, "true", again.Header().Get("Idempotent-Replayed"))
		}
	}
	require.Equal(t, 1, runs["after nothing"])
	require.Zero(t, runs["after abort"])
}
