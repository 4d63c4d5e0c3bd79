package adaptertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"testing"

	"github.com/echosession/echosession/session"
)

// TestResponseCommits: in every way in which a response can leave, the change is
// in the store and the cookie in the header, once.
func TestResponseCommits(t *testing.T, e env) {
	for _, w := range e.ways(t) {
		for _, count := range []int{0, 7} {
			t.Run(visitor(w.Name, count), func(t *testing.T) {
				t.Parallel()
				s := w.open(t, e, config{}, nil)
				got := w.send(s, s.tokenIf(count))
				w.expect(t, got)
				s.expectRead(got.expectToken(t), count+1)
				s.expectRecords(1)
				s.idle()
				s.expectEvents(session.EventLost, 0)
			})
		}
	}
}

// TestResponseCommitsAfterInformationalHeaders: the client sees them, and that
// they have no cookie.
func TestResponseCommitsAfterInformationalHeaders(t *testing.T, e env) {
	for name, codes := range map[string][]int{"one": {103}, "several": {103, 102, 103}} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", name, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := e.open(t, config{})
				s.store.fail("create", fault)
				s.handle("/", func(c Context) error {
					c.Response().Header().Set("Link", "</a.css>")
					for _, code := range codes {
						c.Inform(code)
					}
					return counting(pageAs(http.StatusOK))(c)
				})
				var seen []int
				req := s.request(http.MethodGet, "/", "")
				got := s.do(req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
						seen = append(seen, code)
						if h.Get("Link") == "" || h.Get("Set-Cookie") != "" {
							t.Errorf("%d came with the header %v, expected a Link and no cookie", code, h)
						}
						return nil
					},
				})))
				if !slices.Equal(seen, codes) {
					t.Errorf("the informational headers are %v, expected %v", seen, codes)
				}
				if fault != nil {
					e.unavailable(t, got)
					return
				}
				got.expect(t, http.StatusOK, page)
				s.expectRead(got.expectToken(t), 1)
			})
		}
	}
}

// TestResponseStreams: what changes after the first byte is lost and observed,
// except for what Save stores.
func TestResponseStreams(t *testing.T, e env) {
	s := e.open(t, config{})
	stream := func(c Context, v *visit) error {
		v.Data.Count++
		for range 3 {
			if _, err := c.Response().Write([]byte(page)); err != nil {
				return err
			}
			if err := flush(c); err != nil {
				return err
			}
			v.Data.Count++
			if err := save(c, v); err != nil {
				return err
			}
		}
		return nil
	}
	s.handle("/", using(stream))
	s.handle("/late", using(func(c Context, v *visit) error {
		err := stream(c, v)
		v.Data.Count = 99
		return err
	}))
	got := s.get("/", "")
	got.expect(t, http.StatusOK, page+page+page)
	token := got.expectToken(t)
	s.idle()
	s.expectRead(token, 4)
	s.expectEvents(session.EventLost, 0)
	s.get("/late", token).expect(t, http.StatusOK, page+page+page)
	s.idle()
	s.expectRead(token, 8)
	s.expectEvents(session.EventLost, 1)
}

// TestResponseOfAReverseProxy, which writes through everything that a response
// has, and aborts if a write fails.
func TestResponseOfAReverseProxy(t *testing.T, e env) {
	upstream := Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Etag", `"page"`)
		w.Header().Set("Set-Cookie", "upstream=1")
		w.WriteHeader(http.StatusOK) // a framework may send no other after a 103
		for i := range page {
			_, _ = w.Write([]byte{page[i]})
			w.(http.Flusher).Flush()
		}
	}))
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = upstream.Client().Transport
	proxy.FlushInterval = -1
	for _, fault := range []error{nil, session.ErrUnavailable} {
		t.Run(fmt.Sprintf("fault=%t", fault != nil), func(t *testing.T) {
			s := e.openAround(t, []any{e.recovering()}, config{}, nil)
			s.handle("/", counting(func(c Context) error {
				proxy.ServeHTTP(c.Response(), c.Request())
				return nil
			}))
			s.store.fail("create", fault)
			got := s.get("/", "")
			if fault != nil {
				e.expectErrorAlone(t, got, http.StatusServiceUnavailable, nil)
				s.expectRecords(0)
				return
			}
			got.expect(t, http.StatusOK, page)
			got.expectHeader(t, "Cache-Control", "no-store")
			s.expectRead(got.expectToken(t), 1)
			if lines := got.header["Set-Cookie"]; len(lines) != 2 || lines[0] != "upstream=1" {
				t.Errorf("Set-Cookie is %q, expected that of the upstream and the session's", lines)
			}
		})
	}
}

// TestResponseCommitsOverHTTP2, which cannot be hijacked. Everything else is as
// with HTTP/1.
func TestResponseCommitsOverHTTP2(t *testing.T, e env) {
	ways := append(e.plainWays(t), Way{Name: "a page if it cannot be hijacked", Body: page, Respond: func(c Context) error {
		if _, _, err := http.NewResponseController(c.Response()).Hijack(); err == nil {
			return fmt.Errorf("Hijack of HTTP/2 returned nil, expected an error")
		}
		return pageAs(http.StatusOK)(c)
	}})
	for _, w := range ways {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", w.Name, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := w.open(t, e, config{}, nil)
				s.store.fail("update", fault)
				s.overHTTP2()
				token := s.token(7)
				got := w.send(s, token)
				switch {
				case fault == nil:
					w.expect(t, got)
					s.expectRead(got.expectToken(t), 8)
				case w.Own:
					w.expect(t, got)
				default:
					e.expectErrorAlone(t, got, http.StatusServiceUnavailable, nil)
				}
				if fault != nil {
					s.expectRead(token, 7)
				}
			})
		}
	}
}

// overHTTP2 puts the site on another server. It has a socket, because TLS needs
// a connection with a buffer.
func (s *site) overHTTP2() {
	s.t.Helper()
	server := httptest.NewUnstartedServer(s.server.Config.Handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = s.server.Config.ErrorLog
	server.StartTLS()
	s.t.Cleanup(server.Close)
	server.Client().CheckRedirect = dontFollow
	s.server = server
}
