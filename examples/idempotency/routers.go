package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"

	"github.com/bankrail/bankrail/idempotency"
)

// routers builds the same shop on each.
var routers = map[string]func(*shop, idempotency.Store) http.Handler{
	"nethttp": onNetHTTP,
	"chi":     onChi,
	"gin":     onGin,
}

func middleware(store idempotency.Store) func(http.Handler) http.Handler {
	return idempotency.Middleware(store, idempotency.Config{
		Check: check,
		// The tenant comes from what authenticated the request, never from its body.
		Tenant: func(*http.Request) string { return "demo" },
	})
}

func onNetHTTP(s *shop, store idempotency.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /refunds", middleware(store)(s))
	return mux
}

func onChi(s *shop, store idempotency.Store) http.Handler {
	r := chi.NewRouter()
	r.With(middleware(store)).Post("/refunds", s.ServeHTTP)
	return r
}

func onGin(s *shop, store idempotency.Store) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.POST("/refunds", forGin(middleware(store)), func(c *gin.Context) {
		var a ask
		if err := c.ShouldBindJSON(&a); err != nil {
			c.String(http.StatusBadRequest, "want JSON")
			return
		}
		c.JSON(http.StatusCreated, gin.H{"refund": s.refund(a)})
	})
	return r
}

// forGin lets a net/http middleware stand in a chain of gin's.
func forGin(m func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		outer := c.Writer
		ran := false
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ran = true
			inner := &ginWriter{ResponseWriter: outer, w: w}
			c.Request, c.Writer = r, inner
			defer func() { c.Writer = outer }()
			c.Next()
			inner.WriteHeaderNow() // of a handler that set a status and wrote nothing
		})
		m(next).ServeHTTP(outer, c.Request)
		if !ran {
			c.Abort()
		}
	}
}

// ginWriter is gin's writer with the middleware's beneath it.
type ginWriter struct {
	gin.ResponseWriter
	w      http.ResponseWriter
	status int
	size   int
	wrote  bool
}

func (g *ginWriter) Header() http.Header { return g.w.Header() }

// WriteHeader keeps the status until the first byte, as gin does.
func (g *ginWriter) WriteHeader(status int) {
	if status > 0 && !g.wrote {
		g.status = status
	}
}

func (g *ginWriter) WriteHeaderNow() {
	if !g.wrote {
		g.wrote = true
		g.w.WriteHeader(g.Status())
	}
}

func (g *ginWriter) Write(b []byte) (int, error) {
	g.WriteHeaderNow()
	n, err := g.w.Write(b)
	g.size += n
	return n, err
}

func (g *ginWriter) WriteString(s string) (int, error) { return g.Write([]byte(s)) }

func (g *ginWriter) Status() int {
	if g.status == 0 {
		return http.StatusOK
	}
	return g.status
}

func (g *ginWriter) Size() int     { return g.size }
func (g *ginWriter) Written() bool { return g.wrote }

// Flush does nothing: the response is held back until its outcome is recorded.
func (g *ginWriter) Flush() {}
