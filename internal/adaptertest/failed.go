package adaptertest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// handlerHeader is what a handler said about its own body and outcome. It would
// be wrong on an error page.
var handlerHeader = http.Header{
	"Cache-Control":       {"public, max-age=60"},
	"Content-Disposition": {`attachment; filename="page.txt"`},
	"Content-Encoding":    {"br"},
	"Content-Length":      {"3"},
	"Content-Range":       {"bytes 0-2/3"},
	"Content-Type":        {"application/pdf"},
	"Etag":                {`"page"`},
	"Last-Modified":       {"Thu, 01 Jan 2026 00:00:00 GMT"},
	"Location":            {"/elsewhere"},
}

// expectErrorAlone fails if r is not the framework's page of status, or has
// anything of a handler's response. outer is the header of an outer middleware.
func (e env) expectErrorAlone(t *testing.T, r reply, status int, outer http.Header) {
	t.Helper()
	body := e.errorPage(status)
	if strings.HasPrefix(r.request, http.MethodHead) {
		body = ""
	}
	r.expect(t, status, body)
	if len(r.ofSession()) != 0 {
		t.Errorf("%s: Set-Cookie is %q, expected none of the session", r.request, r.header["Set-Cookie"])
	}
	for field := range handlerHeader {
		switch got := r.header.Values(field); field {
		case "Content-Type":
			if want := e.PageType; body != "" && r.header.Get(field) != want || body == "" && len(got) != 0 {
				t.Errorf("%s: the error page %q has the Content-Type %q, expected %q", r.request, body, got, want)
			}
		case "Content-Length": // which the page may have as well
			if slices.Equal(got, handlerHeader[field]) {
				t.Errorf("%s: the error page has the Content-Length %q of the handler", r.request, got)
			}
		case "Content-Encoding":
			if len(got) != 0 && (len(got) != 1 || got[0] != "gzip") { // which was decoded
				t.Errorf("%s: the error page has the Content-Encoding %q, expected none of the handler's", r.request, got)
			}
		default:
			r.expectHeader(t, field, outer[field]...)
		}
	}
}

// TestResponseOfAFailedCommit: in every way in which the response would have left,
// only the error page leaves.
func TestResponseOfAFailedCommit(t *testing.T, e env) {
	for _, w := range e.ways(t) {
		for _, count := range []int{0, 7} {
			for fault, status := range map[error]int{
				session.ErrUnavailable: http.StatusServiceUnavailable,
				session.ErrTooLarge:    http.StatusInternalServerError,
			} {
				t.Run(fmt.Sprintf("%s/status=%d", visitor(w.Name, count), status), func(t *testing.T) {
					t.Parallel()
					header := handlerHeader
					if w.Own {
						header = nil
					}
					s := w.open(t, e, config{}, header)
					token := s.tokenIf(count)
					s.store.fail("create", fault)
					s.store.fail("update", fault)
					got := w.send(s, token)
					if w.Own {
						w.expect(t, got)
						got.expectNoCookie(t)
					} else {
						e.expectErrorAlone(t, got, status, nil)
					}
					s.expectEvents(session.EventError, 1)
					if count > 0 {
						s.expectRead(token, count)
					} else {
						s.expectRecords(0)
					}
				})
			}
		}
	}
}

// TestFailedCommitIsNeverFollowedByTheHandlersBody, even if the handler does not
// look at errors and goes on writing.
func TestFailedCommitIsNeverFollowedByTheHandlersBody(t *testing.T, e env) {
	for _, w := range e.plainWays(t) {
		if w.Own {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			careless := w
			careless.Respond = func(c Context) error {
				_ = w.Respond(c)
				_, _ = c.Response().Write([]byte("more of the page"))
				return nil
			}
			s := careless.open(t, e, config{}, handlerHeader)
			token := s.token(7)
			s.store.fail("update", errDown)
			e.expectErrorAlone(t, w.send(s, token), http.StatusServiceUnavailable, nil)
			s.expectRead(token, 7)
		})
	}
}

// TestResponseOfAFailedCommitKeepsTheOuterHeader: what an outer middleware said
// stays, even if the handler said otherwise.
func TestResponseOfAFailedCommitKeepsTheOuterHeader(t *testing.T, e env) {
	for name, outer := range map[string]http.Header{
		"other fields":    {"Vary": {"Accept-Encoding"}, "X-Request-Id": {"1"}, "Set-Cookie": {"other=1"}},
		"the same fields": {"Cache-Control": {"private", "max-age=1"}, "Last-Modified": {"never"}, "Location": {"/outer"}},
	} {
		for path, respond := range map[string]Handler{"page": pageAs(http.StatusOK), "nothing": silence, "hijack": hijackWith("")} {
			t.Run(name+"/"+path, func(t *testing.T) {
				t.Parallel()
				s := e.openAround(t, []any{sayingAround(outer)}, config{}, nil)
				s.store.fail("update", session.ErrUnavailable)
				s.handle("/", counting(saying(handlerHeader, respond)))
				got := s.get("/", s.token(7))
				e.expectErrorAlone(t, got, http.StatusServiceUnavailable, outer)
				for field, lines := range outer {
					if field == "Vary" {
						lines = append(slices.Clone(lines), "Cookie")
					}
					got.expectHeader(t, field, lines...)
				}
			})
		}
	}
}

// TestResponseOfAFailedCommitThatIsWavedThrough: an answer of nil lets the
// handler's response go out as it is.
func TestResponseOfAFailedCommitThatIsWavedThrough(t *testing.T, e env) {
	for _, w := range e.ways(t) {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			asked := new(complaints)
			s := w.open(t, e, config{ErrorHandler: asked.handle}, nil)
			token := s.token(7)
			s.store.fail("update", session.ErrUnavailable)
			got := w.send(s, token)
			w.expect(t, got)
			got.expectNoCookie(t)
			asked.expect(t, session.OpSave)
			s.expectRead(token, 7)
		})
	}
}

// TestResponseOfAFailedCommitHasTheCause: an outer middleware, and so the
// application's own error handler, finds the cause in the error that it gets.
func TestResponseOfAFailedCommitHasTheCause(t *testing.T, e env) {
	for _, cause := range []error{errDown, session.ErrTooLarge, errBroken} {
		for name, respond := range responses {
			t.Run(fmt.Sprintf("%s/%v", name, cause), func(t *testing.T) {
				t.Parallel()
				var got error
				s := e.openAround(t, []any{Around(func(_ Context, next func() error) error { got = next(); return got })}, config{}, nil)
				s.store.fail("create", cause)
				s.handle("/", counting(respond))
				s.get("/", "")
				s.idle()
				if !errors.Is(got, cause) {
					t.Errorf("the middleware returned %v, expected an error with %v inside", got, cause)
				}
			})
		}
	}
}

// TestResponseOfAFailedCommitAfterASave answers with the error, and with the
// cookie of what was saved: its record is there, and the old token may be worth
// nothing any more.
func TestResponseOfAFailedCommitAfterASave(t *testing.T, e env) {
	for name, respond := range map[string]Handler{"page": pageAs(http.StatusOK), "nothing": silence, "flush": flush} {
		for _, count := range []int{0, 7} {
			t.Run(visitor(name, count), func(t *testing.T) {
				t.Parallel()
				s := e.open(t, config{})
				s.handle("/", using(func(c Context, v *visit) error {
					v.Data.Count++
					v.Renew()
					if err := save(c, v); err != nil {
						return err
					}
					s.store.fail("update", session.ErrUnavailable)
					v.Data.Count = 99
					v.Renew()
					return saying(handlerHeader, respond)(c)
				}))
				got := s.get("/", s.tokenIf(count))
				got.expect(t, http.StatusServiceUnavailable, e.errorPage(http.StatusServiceUnavailable))
				got.expectHeader(t, "Cache-Control", "no-store")
				got.expectHeader(t, "Etag")
				s.expectRead(got.expectToken(t), count+1)
				s.expectRecords(1)
			})
		}
	}
}

// TestResponseWhereOneOfTwoSessionsFails: of two kinds of session one cannot be
// saved. The response is the error's, and has the cookie of the other one, whose
// record is there.
func TestResponseWhereOneOfTwoSessionsFails(t *testing.T, e env) {
	for name, respond := range map[string]Handler{
		"page": pageAs(http.StatusOK), "nothing": silence,
		"103, page": informed(pageAs(http.StatusOK)),
	} {
		for _, failing := range []string{"outer", "inner"} {
			t.Run(name+"/"+failing, func(t *testing.T) {
				t.Parallel()
				store := &watchedStore{Store: newMemory()}
				baskets := newManager(t, session.Config[Basket]{Store: store, Cookie: session.Cookie{Name: "basket"}})
				with := []any{e.basketIn(baskets)}
				var s *site
				if failing == "outer" {
					s = e.openAround(t, with, config{}, nil)
				} else {
					s = e.openAround(t, nil, config{}, with)
				}
				store.fail("create", session.ErrUnavailable)
				s.handle("/", counting(func(c Context) error {
					k, err := session.Get[Basket](c)
					if err != nil {
						return err
					}
					k.Data.Items = append(k.Data.Items, "apple")
					return saying(handlerHeader, respond)(c)
				}))
				got := s.get("/", "")
				got.expect(t, http.StatusServiceUnavailable, e.errorPage(http.StatusServiceUnavailable))
				if len(got.cookies) != 1 {
					t.Errorf("Set-Cookie is %q, expected only that of the session that was saved", got.header["Set-Cookie"])
				}
				got.expectHeader(t, "Cache-Control", "no-store")
				got.expectHeader(t, "Etag")
				s.expectRead(got.expectToken(t), 1)
			})
		}
	}
}

// TestResponseBegunThenAFailedDestroy: a log-out that comes when the response has
// left, and fails, is the error of the request, unless the handler has its own.
func TestResponseBegunThenAFailedDestroy(t *testing.T, e env) {
	errOwn := errors.New("the handler's own")
	for name, own := range map[string]error{"handler ends well": nil, "handler fails": errOwn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var returned error
			s := e.openAround(t, []any{Around(func(_ Context, next func() error) error { returned = next(); return returned })}, config{}, nil)
			s.begun("/", func(_ Context, v *visit) error { v.Destroy(); return own })
			token := s.token(1)
			s.store.fail("delete", errBroken)
			s.get("/", token).expect(t, http.StatusOK, "begun")
			s.idle()
			want := errBroken
			if own != nil {
				want = own
			}
			if !errors.Is(returned, want) {
				t.Errorf("the middleware returned %v, expected %v", returned, want)
			}
			s.expectEvents(session.EventError, 1)
		})
	}
}
