package adaptertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/echosession/echosession/session"
)

// hijackWith takes the connection over and writes a response of its own with
// these lines of header.
func hijackWith(lines string) Handler {
	return func(c Context) error {
		return hijack(c, func(rw *bufio.ReadWriter) {
			_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s", lines, page)
		})
	}
}

func hijack(c Context, write func(*bufio.ReadWriter)) error {
	conn, rw, err := http.NewResponseController(c.Response()).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	write(rw)
	return rw.Flush()
}

func TestResponseHijackedBeforeTheHeader(t *testing.T, e env) {
	for name, respond := range map[string]Handler{
		"by the controller": hijackWith(""),
		"by the interface": func(c Context) error {
			conn, rw, err := c.Response().(http.Hijacker).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", page)
			return rw.Flush()
		},
		"after a 103": informed(hijackWith("")),
	} {
		each(t, e, []test{
			{name: name + "/a stored session is saved", run: func(t *testing.T, e env) {
				s := e.open(t, config{})
				s.handle("/", counting(respond))
				token := s.token(7)
				got := s.get("/", token)
				got.expect(t, http.StatusOK, page)
				got.expectNoCookie(t)
				s.idle()
				s.expectRead(token, 8)
				s.expectEvents(session.EventLost, 0)
			}},
			{name: name + "/a new session is lost", run: func(t *testing.T, e env) {
				s := e.open(t, config{})
				s.handle("/", counting(respond))
				got := s.get("/", "")
				got.expect(t, http.StatusOK, page)
				got.expectNoCookie(t)
				s.idle()
				s.expectCalls()
				s.expectRecords(0)
				s.expectEvents(session.EventLost, 1)
			}},
			{name: name + "/a new token is lost", run: func(t *testing.T, e env) {
				s := e.open(t, config{})
				s.handle("/", using(func(c Context, v *visit) error { v.Renew(); return respond(c) }))
				token := s.token(7)
				s.get("/", token).expect(t, http.StatusOK, page)
				s.idle()
				s.expectRead(token, 7)
				s.expectEvents(session.EventLost, 1)
			}},
			{name: name + "/a save that fails is answered", run: func(t *testing.T, e env) {
				s := e.open(t, config{})
				s.handle("/", counting(saying(handlerHeader, respond)))
				token := s.token(7)
				s.store.fail("update", session.ErrUnavailable)
				e.expectErrorAlone(t, s.get("/", token), http.StatusServiceUnavailable, nil)
				s.expectRead(token, 7)
			}},
		})
	}
}

// TestResponseHijackedThenSaved: after Hijack the handler writes everything
// itself. What Save stores it can send.
func TestResponseHijackedThenSaved(t *testing.T, e env) {
	for _, count := range []int{0, 7} {
		t.Run(visitor("", count), func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.handle("/", using(func(c Context, v *visit) error {
				return hijack(c, func(rw *bufio.ReadWriter) {
					v.Data.Count++
					v.Renew()
					line := "Set-Cookie: " + cookieName + "=" + v.Token() + "; Max-Age=60\r\n"
					if err := save(c, v); err != nil {
						line = "X-Error: " + err.Error() + "\r\n"
					}
					_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s", line, page)
				})
			}))
			old := s.tokenIf(count)
			got := s.get("/", old)
			got.expectHeader(t, "X-Error")
			s.expectRead(got.expectToken(t), count+1)
			s.expectRecords(1)
			s.idle()
			s.expectEvents(session.EventLost, 0)
			if old != "" {
				s.expectRead(old, 0)
			}
		})
	}
}

// TestResponseHijackedAfterASave: what was saved before has its record, and its
// token may be sent by the handler itself.
func TestResponseHijackedAfterASave(t *testing.T, e env) {
	s := e.open(t, config{})
	s.handle("/", using(func(c Context, v *visit) error {
		v.Data.Count = 7
		if err := save(c, v); err != nil {
			return err
		}
		return hijackWith("X-Token: " + v.Token() + "\r\n")(c)
	}))
	got := s.get("/", "")
	s.idle()
	s.get("/count", got.header.Get("X-Token")).expect(t, http.StatusOK, "8")
	s.expectEvents(session.EventLost, 0)
}

func TestResponseHijackedAfterSwitchingProtocols(t *testing.T, e env) {
	for _, fault := range []error{nil, session.ErrUnavailable} {
		for _, count := range []int{0, 7} {
			t.Run(visitor(fmt.Sprintf("fault=%t", fault != nil), count), func(t *testing.T) {
				t.Parallel()
				s := e.open(t, config{})
				s.handle("/", counting(func(c Context) error {
					c.Response().Header().Set("Upgrade", "chat")
					c.Response().Header().Set("Connection", "Upgrade")
					c.Response().WriteHeader(http.StatusSwitchingProtocols)
					return hijack(c, func(rw *bufio.ReadWriter) { _, _ = rw.WriteString(page) })
				}))
				token := s.tokenIf(count)
				s.store.fail("create", fault)
				s.store.fail("update", fault)
				req := s.request(http.MethodGet, "/", token)
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "chat")
				res, err := s.server.Client().Do(req)
				if err != nil {
					t.Fatalf("GET /: %v", err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatalf("GET /: the body ends after %q: %v", body, err)
				}
				got := reply{"GET /", res.StatusCode, string(body), res.Header, res.Cookies()}
				if fault != nil {
					e.unavailable(t, got)
					return
				}
				got.expect(t, http.StatusSwitchingProtocols, page)
				s.expectRead(got.expectToken(t), count+1)
				s.idle()
				s.expectEvents(session.EventLost, 0)
			})
		}
	}
}

// refusingWriter looks like one whose connection can be taken over, and fails
// when that is tried.
type refusingWriter struct{ *httptest.ResponseRecorder }

var errNotNow = errors.New("not now")

func (refusingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errNotNow }

// TestResponseHijackThatFails: the handler did not get the connection, so it
// cannot send a token itself, and the commit is over. What needs a token is
// refused, and no record is left whose token nobody has.
func TestResponseHijackThatFails(t *testing.T, e env) {
	for name, tt := range map[string]struct {
		count, want int // in the store before, and after
		change      func(*visit)
		err         error
	}{
		"a new session":    {0, 0, func(v *visit) { v.Data.Count = 9 }, session.ErrCommitted},
		"a stored session": {7, 9, func(v *visit) { v.Data.Count = 9 }, nil},
		"a new token":      {7, 7, func(v *visit) { v.Data.Count = 9; v.Renew() }, session.ErrCommitted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.handle("/", using(func(c Context, v *visit) error {
				if err := hijack(c, nil); !errors.Is(err, errNotNow) {
					t.Errorf("Hijack returned %v, expected what the writer below says", err)
				}
				tt.change(v)
				if err := save(c, v); !errors.Is(err, tt.err) {
					t.Errorf("Save returned %v, expected %v", err, tt.err)
				}
				return text(c, http.StatusOK, page)
			}))
			token := s.tokenIf(tt.count)
			records := s.backend.Live(t)
			rec := httptest.NewRecorder()
			s.server.Config.Handler.ServeHTTP(refusingWriter{rec}, s.request(http.MethodGet, "/", token))
			if rec.Code != http.StatusOK || rec.Body.String() != page {
				t.Errorf("the response is %d %q, expected 200 and the page", rec.Code, rec.Body)
			}
			if lines := rec.Header().Values("Set-Cookie"); len(lines) != 0 {
				t.Errorf("Set-Cookie is %q, expected none", lines)
			}
			s.expectRecords(records)
			if token != "" {
				s.expectRead(token, tt.want)
			}
			lost := 0
			if tt.err != nil {
				lost = 1
			}
			s.expectEvents(session.EventLost, lost)
		})
	}
}
