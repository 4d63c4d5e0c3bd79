package echoadapter_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// account is the struct with which the session libraries were compared.
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

// serve returns a function that serves one request of the row.
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

// cost is what something allocates.
type cost struct{ allocs, bytes float64 }

func costOf(f func()) cost {
	const runs = 5000
	c := cost{allocs: testing.AllocsPerRun(runs, f)}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	c.bytes = float64((after.TotalAlloc - before.TotalAlloc) / runs)
	return c
}

func (c cost) plus(allocs, bytes float64) cost { return cost{c.allocs + allocs, c.bytes + bytes} }

// costsOfCodec returns what the codec allocates to decode an account, and to
// decode and encode it.
func costsOfCodec(tb testing.TB) (decode, decodeEncode cost) {
	data, err := session.JSON().Marshal(new(anAccount()))
	if err != nil {
		tb.Fatal(err)
	}
	var failed error
	decode = costOf(func() {
		var a account
		failed = errors.Join(failed, session.JSON().Unmarshal(data, &a))
	})
	decodeEncode = costOf(func() {
		var a account
		err := session.JSON().Unmarshal(data, &a)
		_, err2 := session.JSON().Marshal(&a)
		failed = errors.Join(failed, err, err2)
	})
	if failed != nil {
		tb.Fatal(failed)
	}
	return decode, decodeEncode
}

// What a request allocates beyond a bare Echo request. Rows that decode may also
// allocate what the codec does.
func TestAllocationsOfARequest(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes every sync.Pool forget at random; `make test` runs this without it as well")
	}
	decode, decodeEncode := costsOfCodec(t)
	budgets := map[string]cost{
		"no-cookie":       {4, 450},
		"deferred-unused": {4, 450},
		"loaded-unused":   {6, 1000},
		"peek":            decode.plus(6, 1000),
		"read":            decodeEncode.plus(8, 1000),
		"change":          decodeEncode.plus(10, 1600),
	}
	bytesHold := []string{"no-cookie", "deferred-unused"}
	for _, r := range rows {
		without, with, budget := costOf(bare()), costOf(r.serve(t, session.Config[account]{})), budgets[r.name]
		got := with.plus(-without.allocs, -without.bytes)
		t.Logf("%s: %+v over %+v, the budget is %+v", r.name, got, without, budget)
		if got.allocs > budget.allocs {
			t.Errorf("%s: a request makes %v allocations more than a bare one, expected at most %v", r.name, got.allocs, budget.allocs)
		}
		if got.bytes > budget.bytes && slices.Contains(bytesHold, r.name) {
			t.Errorf("%s: a request allocates %v bytes more than a bare one, expected at most %v", r.name, got.bytes, budget.bytes)
		}
		signed := costOf(r.serve(t, keys["signing"]))
		if more := signed.allocs - with.allocs; more > 2 {
			t.Errorf("%s: signing makes %v allocations more, expected at most 2", r.name, more)
		}
	}
}

// keys are the configurations whose cost is measured separately.
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
