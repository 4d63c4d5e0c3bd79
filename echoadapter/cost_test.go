package echoadapter_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// account is the struct with which the libraries of the field were compared.
type account struct {
	UserID   string            `json:"user_id"`
	Name     string            `json:"name"`
	Roles    []string          `json:"roles"`
	Views    int               `json:"views"`
	LastSeen time.Time         `json:"last_seen"`
	Prefs    map[string]string `json:"prefs"`
}

func anAccount() account {
	return account{
		UserID:   "u-1029384756",
		Name:     "Ada Lovelace",
		Roles:    []string{"admin", "editor"},
		Views:    42,
		LastSeen: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		Prefs:    map[string]string{"theme": "dark", "lang": "en"},
	}
}

// discard is a response writer that costs next to nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// row is a row of the table of budgets.
type row struct {
	name     string
	cookie   bool
	deferred bool
	handler  echo.HandlerFunc
}

var rows = []row{
	{name: "no-cookie", handler: noContent},
	{name: "deferred-unused", cookie: true, deferred: true, handler: noContent},
	{name: "loaded-unused", cookie: true, handler: noContent},
	{name: "peek", cookie: true, handler: func(c echo.Context) error {
		if a, err := session.Peek[account](c); err != nil || a.UserID == "" {
			panic(err)
		}
		return noContent(c)
	}},
	{name: "read", cookie: true, handler: func(c echo.Context) error {
		if s, err := session.Get[account](c); err != nil || s.Data.UserID == "" {
			panic(err)
		}
		return noContent(c)
	}},
	{name: "change", cookie: true, handler: func(c echo.Context) error {
		s, err := session.Get[account](c)
		if err != nil {
			panic(err)
		}
		s.Data.Views++
		return noContent(c)
	}},
}

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

// bare returns a function that serves one request without the middleware.
func bare() func() { return serve(noContent, "") }

// serve returns one that serves a request of the row.
func (r row) serve(tb testing.TB, cfg session.Config[account]) func() {
	cfg.Store = memstore.New(memstore.Options{})
	m, err := session.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := sessiontest.Token(context.Background(), m, anAccount())
	if err != nil {
		tb.Fatal(err)
	}
	if !r.cookie {
		token = ""
	}
	return serve(r.handler, token, echoadapter.Middleware(echoadapter.Config[account]{Manager: m, Defer: r.deferred}))
}

func serve(handler echo.HandlerFunc, token string, with ...echo.MiddlewareFunc) func() {
	e := echo.New()
	e.Use(with...)
	e.GET("/", handler)
	req := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	if token != "" {
		req.Header.Set("Cookie", "echo.sid="+token)
	}
	w := &discard{header: http.Header{}}
	return func() {
		clear(w.header)
		e.ServeHTTP(w, req)
	}
}

// The allocations over a bare Echo request. Those of rows that decode are over
// what the codec itself allocates.
func TestAllocationsOfARequest(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes every sync.Pool forget at random; `make test` runs this without it as well")
	}
	data, err := session.JSON().Marshal(new(anAccount()))
	if err != nil {
		t.Fatal(err)
	}
	decode := testing.AllocsPerRun(100, func() {
		var a account
		if err := session.JSON().Unmarshal(data, &a); err != nil {
			t.Fatal(err)
		}
	})
	decodeEncode := testing.AllocsPerRun(100, func() {
		var a account
		if err := session.JSON().Unmarshal(data, &a); err != nil {
			t.Fatal(err)
		}
		if _, err := session.JSON().Marshal(&a); err != nil {
			t.Fatal(err)
		}
	})
	budget := map[string]float64{
		"no-cookie":       4,
		"deferred-unused": 4,
		"loaded-unused":   6,
		"peek":            decode + 6,
		"read":            decodeEncode + 8,
		"change":          decodeEncode + 10,
	}
	for _, r := range rows {
		without := testing.AllocsPerRun(1000, bare())
		with := testing.AllocsPerRun(1000, r.serve(t, session.Config[account]{}))
		t.Logf("%s: %v over %v", r.name, with-without, without)
		if got := with - without; got > budget[r.name] {
			t.Errorf("%s: a request allocates %v times more than a bare one, the budget is %v", r.name, got, budget[r.name])
		}
		signed := testing.AllocsPerRun(1000, r.serve(t, keys["signing"]))
		t.Logf("%s, signing: %v more", r.name, signed-with)
		if got := signed - with; got > 2 {
			t.Errorf("%s: signing allocates %v times more, the budget is 2", r.name, got)
		}
	}
}

// keys are the configurations whose cost is told apart.
var keys = map[string]session.Config[account]{
	"none":    {},
	"signing": {SigningKeys: [][]byte{make([]byte, 32)}},
	"sealing": {EncryptionKeys: [][]byte{make([]byte, 32)}},
}

func BenchmarkRequest(b *testing.B) {
	b.Run("row=bare", func(b *testing.B) { measure(b, bare()) })
	for _, r := range rows {
		for kind, cfg := range keys {
			b.Run("row="+r.name+"/keys="+kind, func(b *testing.B) { measure(b, r.serve(b, cfg)) })
		}
	}
	data, err := session.JSON().Marshal(new(anAccount()))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("codec=decode", func(b *testing.B) {
		measure(b, func() {
			var a account
			_ = session.JSON().Unmarshal(data, &a)
		})
	})
	b.Run("codec=decode+encode", func(b *testing.B) {
		measure(b, func() {
			var a account
			_ = session.JSON().Unmarshal(data, &a)
			_, _ = session.JSON().Marshal(&a)
		})
	})
}

func measure(b *testing.B, serve func()) {
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}
