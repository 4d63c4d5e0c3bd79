package mongo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// statusLog records the statuses of a store.
type statusLog struct {
	mu  sync.Mutex
	all []session.Status
}

func (l *statusLog) note(s session.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

func (l *statusLog) last() session.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[len(l.all)-1]
}

// site is an application that counts visits.
func site(t *testing.T, s session.Store, wait time.Duration) *echo.Echo {
	t.Helper()
	e := echo.New()
	e.Use(echoadapter.Middleware(echoadapter.Config[visitor]{
		Session: session.Config[visitor]{Store: s, ReconnectTimeout: wait},
	}))
	e.GET("/", func(c echo.Context) error {
		s, err := session.Get[visitor](c)
		if err != nil {
			return err
		}
		s.Data.N++
		return c.JSON(http.StatusOK, s.Data)
	})
	return e
}

// visit sends a request and returns its status, the number of visits and the
// cookie for the next request; nil if it was cleared.
func visit(t *testing.T, e *echo.Echo, cookie *http.Cookie) (status, n int, next *http.Cookie, took time.Duration) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if cookie != nil {
		req.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	begin := time.Now()
	e.ServeHTTP(rec, req)
	took = time.Since(begin)
	next = cookie
	for _, c := range rec.Result().Cookies() {
		if next = c; c.MaxAge < 0 {
			next = nil
		}
	}
	var v visitor
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			t.Errorf("answer %q: %v", rec.Body, err)
		}
	}
	return rec.Code, v.N, next, took
}

// All members go down and come back. Requests wait for ReconnectTimeout, then fail
// at once with a 503 and keep the cookie. Afterwards the same sessions go on
// without a restart.
func TestOutage(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	// One request a second asks the store all the same, because an event could be
	// missed. That one takes as long as the store.
	const wait, probe = 2 * time.Second, time.Second
	s, _ := set.store(t, unique("outage"), mongostore.Options{Timeout: probe})
	var statuses statusLog
	defer s.Watch(statuses.note)()
	e := site(t, s, wait)
	_, _, cookie, _ := visit(t, e, nil)
	status, n, cookie, _ := visit(t, e, cookie)
	if status != http.StatusOK || n != 2 {
		t.Fatalf("before the outage: got status %d and %d visits, want 200 and 2", status, n)
	}

	for _, m := range set {
		m.act(t, "kill")
	}
	down := until(t, "the store says that it is down", 20*time.Second, func() bool { return statuses.last() == session.StatusDisconnected })
	begin := time.Now()
	status, _, kept, first := visit(t, e, cookie)
	if status != http.StatusServiceUnavailable || kept == nil || kept.Value != cookie.Value || first > wait+probe+time.Second {
		t.Errorf("during the outage: got status %d after %v and cookie %v, want 503 after %v and the cookie kept", status, first, kept, wait)
	}
	until(t, "the wait ends", 10*time.Second, func() bool { return time.Since(begin) > wait })
	var wg sync.WaitGroup
	answers := make([]int, 20)
	times := make([]time.Duration, len(answers))
	for i := range answers {
		wg.Go(func() { answers[i], _, _, times[i] = visit(t, e, cookie) })
	}
	wg.Wait()
	slices.Sort(times)
	atOnce := times[len(times)*3/4]
	if i := slices.IndexFunc(answers, func(status int) bool { return status != http.StatusServiceUnavailable }); i >= 0 {
		t.Errorf("later during the outage: got status %d, want 503", answers[i])
	}
	if atOnce > probe/2 {
		t.Errorf("later during the outage: a quarter of the requests took more than %v, want all to fail at once, except for a probe", atOnce)
	}

	for _, m := range set {
		m.act(t, "start")
	}
	back := until(t, "the store is back", 40*time.Second, func() bool { return statuses.last() == session.StatusConnected })
	status, n, kept, _ = visit(t, e, cookie)
	if status != http.StatusOK || n != 3 || kept == nil {
		t.Errorf("after the outage: got status %d, %d visits and cookie %v, want 200, 3 and a cookie", status, n, kept)
	}
	figures.add("outage of all members", "noticed after %v; 503 after %v, later after %v; back %v after the start, the same session went on",
		down.Round(10*time.Millisecond), first.Round(10*time.Millisecond), atOnce.Round(10*time.Microsecond), back.Round(10*time.Millisecond))
}
