package adaptertest

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// insides are the middlewares of the framework that may be around a handler, and
// none.
func (e env) insides() map[string][]any {
	insides := map[string][]any{"": nil}
	for name, m := range e.Wrappers {
		insides[name] = []any{m}
	}
	return insides
}

// panicking sends a 103, saves and writes if it is asked to, changes more, and
// panics.
func panicking(inform, saves, writes bool) Handler {
	return counting(using(func(c Context, v *visit) error {
		if inform {
			c.Inform(http.StatusEarlyHints)
		}
		if saves {
			if err := save(c, v); err != nil {
				return err
			}
			v.Data.Count = 99
		}
		if writes {
			if err := text(c, http.StatusOK, page); err != nil {
				return err
			}
			v.Data.Count = 99
		}
		panic("at the disco")
	}))
}

// TestResponseOfAPanic: a panic that reaches the middleware saves nothing.
func TestResponseOfAPanic(t *testing.T, e env) {
	for name, tt := range map[string]struct {
		count                int
		inform, save, writes bool
		cookie               bool
		read                 int
	}{
		"new":                {},
		"stored":             {count: 7, read: 7},
		"new, saved":         {save: true, cookie: true, read: 1},
		"stored, saved":      {count: 7, save: true, cookie: true, read: 8},
		"new, informed":      {inform: true},
		"informed, saved":    {count: 7, inform: true, save: true, cookie: true, read: 8},
		"new, written":       {writes: true, cookie: true, read: 1},
		"stored, written":    {count: 7, writes: true, cookie: true, read: 8},
		"saved, and written": {count: 7, save: true, writes: true, cookie: true, read: 99},
	} {
		for wrapper, inner := range e.insides() {
			t.Run(name+"/"+wrapper, func(t *testing.T) {
				t.Parallel()
				s := e.openAround(t, []any{e.recovering()}, config{}, inner)
				s.handle("/", panicking(tt.inform, tt.save, tt.writes))
				token := s.tokenIf(tt.count)
				got := s.get("/", token)
				if tt.writes {
					got.expect(t, http.StatusOK, page)
				} else {
					got.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
				}
				if tt.cookie {
					token = got.expectToken(t)
				} else {
					got.expectNoCookie(t)
				}
				if token == "" {
					s.expectRecords(0)
				} else {
					s.expectRead(token, tt.read)
					s.expectRecords(1)
				}
			})
		}
	}
}

// TestResponseOfAPanicRecoveredInside: the middleware sees an ordinary error. The
// session is saved as after every other one.
func TestResponseOfAPanicRecoveredInside(t *testing.T, e env) {
	for saves, want := range map[bool]int{false: 1, true: 99} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("saves=%t/fault=%t", saves, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := e.openAround(t, nil, config{}, []any{e.recovering()})
				s.handle("/", panicking(false, saves, false))
				s.store.fail("create", fault)
				got := s.get("/", "")
				if fault != nil && saves { // Save's own error, not a panic
					e.unavailable(t, got)
					s.expectRecords(0)
					return
				}
				got.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
				if fault != nil {
					got.expectNoCookie(t)
					s.expectRecords(0)
					return
				}
				s.expectRead(got.expectToken(t), want)
				s.expectRecords(1)
			})
		}
	}
}

// lostResponses are handlers whose response has begun when its commit fails.
var lostResponses = map[string]Handler{
	"page": pageAs(http.StatusOK), "flush": flush, "no content": noContent,
	"103, page":  informed(pageAs(http.StatusOK)),
	"103, flush": informed(flush),
}

func informed(respond Handler) Handler {
	return func(c Context) error { c.Inform(http.StatusEarlyHints); return respond(c) }
}

// getZipped fetches path as a client that can decompress.
func (s *site) getZipped(path, token string) reply {
	s.t.Helper()
	req := s.request(http.MethodGet, path, token)
	req.Header.Set("Accept-Encoding", "gzip")
	return s.do(req)
}

// TestResponseOfAPanicAfterAFailedCommit: nothing of the handler's response
// leaves, and the error page is about the panic.
func TestResponseOfAPanicAfterAFailedCommit(t *testing.T, e env) {
	for name, respond := range lostResponses {
		for wrapper, inner := range e.insides() {
			t.Run(name+"/"+wrapper, func(t *testing.T) {
				t.Parallel()
				s := e.openAround(t, []any{e.recovering()}, config{}, inner)
				s.handle("/", counting(thenPanic(saying(handlerHeader, respond))))
				token := s.token(7)
				s.store.fail("update", session.ErrUnavailable)
				e.expectErrorAlone(t, s.getZipped("/", token), http.StatusInternalServerError, nil)
				s.expectRead(token, 7)
			})
		}
	}
}

// TestResponseOfACommitThatPanics, because a hook does: the same, also if the
// commit comes after the handler.
func TestResponseOfACommitThatPanics(t *testing.T, e env) {
	handlers := maps.Clone(lostResponses)
	handlers["nothing"], handlers["103, nothing"] = silence, informed(silence)
	for name, respond := range handlers {
		for wrapper, inner := range e.insides() {
			t.Run(name+"/"+wrapper, func(t *testing.T) {
				t.Parallel()
				s := e.openAround(t, []any{e.recovering()}, config{
					BeforeSave: func(Context, *visit) error { panic("at the disco") },
				}, inner)
				s.handle("/", counting(saying(handlerHeader, respond)))
				token := s.token(7)
				e.expectErrorAlone(t, s.getZipped("/", token), http.StatusInternalServerError, nil)
				s.expectRead(token, 7)
				s.get("/read", token).expect(t, http.StatusOK, "7") // nothing is held
			})
		}
	}
}

// TestResponseOfACommitThatPanicsAfterASave: the cookie of what was saved goes out
// with the page of the panic.
func TestResponseOfACommitThatPanicsAfterASave(t *testing.T, e env) {
	saved := false
	s := e.openAround(t, []any{e.recovering()}, config{BeforeSave: func(Context, *visit) error {
		if saved {
			panic("at the disco")
		}
		saved = true
		return nil
	}}, nil)
	s.handle("/", counting(using(func(c Context, v *visit) error {
		if err := save(c, v); err != nil {
			return err
		}
		v.Data.Count = 99
		return saying(handlerHeader, pageAs(http.StatusOK))(c)
	})))
	got := s.get("/", "")
	got.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
	got.expectHeader(t, "Cache-Control", "no-store")
	got.expectHeader(t, "Etag")
	s.expectRead(got.expectToken(t), 1)
}

// TestAbort: http.ErrAbortHandler of a handler whose response may leave goes on
// to the server, and nothing is saved.
func TestAbort(t *testing.T, e env) {
	s := e.open(t, config{})
	s.handle("/", counting(func(Context) error { panic(http.ErrAbortHandler) }))
	token := s.token(7)
	if r, err := fetch(s.server.Client(), s.request(http.MethodGet, "/", token)); err == nil {
		t.Errorf("the client got %d %q, %v, expected that the connection was closed", r.status, r.body, err)
	}
	s.idle()
	s.expectRead(token, 7)
}
