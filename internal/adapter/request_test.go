package adapter_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// A request that needs no session neither asks the store nor writes a header.
func TestRequestThatNeedsNoSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored bool
		empty  bool // AllowEmpty
		o      options
		calls  []string
	}{
		"no token":                                 {},
		"no token, deferred":                       {o: options{Defer: true}},
		"no token, empty sessions are stored":      {empty: true, calls: []string{"create"}},
		"no token, they would be stored, deferred": {empty: true, o: options{Defer: true}},
		"a token":           {stored: true, calls: []string{"load"}},
		"a token, deferred": {stored: true, o: options{Defer: true}},
		"a token in a cookie, expected in the header": {stored: true, o: options{Header: "X-Session"}},
	} {
		for how, handler := range map[string]func(h *host) error{
			"writes":       func(h *host) error { _, err := h.w.Write([]byte("page")); return err },
			"fails":        func(*host) error { return http.ErrNoCookie },
			"does nothing": func(*host) error { return nil },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				s := open(t, session.Config[visits]{AllowEmpty: tt.empty}, tt.o)
				token := ""
				if tt.stored {
					token = s.token()
				}
				h, rec, err := s.serve(token, handler)
				if how == "fails" && err != http.ErrNoCookie || how != "fails" && err != nil {
					t.Errorf("Serve returned %v, expected what the handler returned", err)
				}
				s.expectCalls(tt.calls...)
				if created := len(tt.calls) > 0 && tt.calls[0] == "create"; len(rec.Header()["Set-Cookie"]) != 0 != created || rec.Header().Get("Vary") != "" {
					t.Errorf("the header is %v, expected a cookie: %t, and no Vary", rec.Header(), created)
				}
				if _, wrapped := h.w.(recorder); !wrapped {
					t.Errorf("the writer is %T afterwards, expected that of before", h.w)
				}
			})
		}
	}
}

// A session that is asked for when the response has begun can be read. What
// needs a cookie can be stored only if the handler can send the token itself.
func TestSessionAskedForLate(t *testing.T) {
	t.Parallel()
	write := func(h *host) { _, _ = h.w.Write([]byte("page")) }
	hijack := func(h *host) { _, _, _ = http.NewResponseController(h.w).Hijack() }
	for name, tt := range map[string]struct {
		first func(*host)
		want  error // of a Save of a new session
	}{
		"the response has begun":         {write, session.ErrCommitted},
		"the connection was taken over":  {hijack, nil},
		"both":                           {func(h *host) { h.w.WriteHeader(http.StatusSwitchingProtocols); hijack(h) }, nil},
		"an informational response only": {func(h *host) { h.w.WriteHeader(http.StatusEarlyHints) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, session.Config[visits]{}, options{Defer: true})
			var token string
			_, rec, err := s.serve("", func(h *host) error {
				tt.first(h)
				v, err := session.Get[visits](h)
				if err != nil {
					return err
				}
				v.Data.Count = 7
				if err := v.Save(h.r.Context()); !errors.Is(err, tt.want) {
					t.Errorf("Save of a new session returned %v, expected %v", err, tt.want)
				}
				token = v.Token()
				return nil
			})
			if err != nil {
				t.Errorf("Serve returned %v, expected no error", err)
			}
			if v, err := s.manager.Open(t.Context(), token); (err == nil) != (tt.want == nil) {
				t.Errorf("Open of the token returned %v, %v, expected a session: %t", v, err, tt.want == nil)
			}
			if h := rec.Header(); rec.Body.Len() > 0 && (len(h["Set-Cookie"]) != 0 || len(h["Vary"]) != 0) {
				t.Errorf("the header is %v, expected nothing of a session", h)
			}

			_, _, err = s.serve(s.token(), func(h *host) error {
				tt.first(h)
				if v, err := session.Get[visits](h); err != nil || v.Data.Count != 1 {
					t.Errorf("Get returned %v, %v, expected the stored session", v, err)
				}
				return nil
			})
			if err != nil {
				t.Errorf("Serve returned %v, expected no error", err)
			}
			s.expectCalls("load")
		})
	}
}

// Nobody gets a session of a request that is over, whether or not it had one.
func TestSessionAskedForAfterTheRequest(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(h *host) error{
		"nothing":          func(*host) error { return nil },
		"a page":           func(h *host) error { _, err := h.w.Write([]byte("page")); return err },
		"a hijack":         func(h *host) error { _, _, err := http.NewResponseController(h.w).Hijack(); return err },
		"a failed handler": func(*host) error { return http.ErrNoCookie },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, session.Config[visits]{}, options{Defer: true})
			h, _, _ := s.serve(s.token(), handler)
			h.r = nil // it serves another request by now
			if v, err := session.Get[visits](h); !errors.Is(err, session.ErrNoSession) {
				t.Errorf("Get returned %v, %v, expected ErrNoSession", v, err)
			}
			if v, err := session.Peek[visits](h); !errors.Is(err, session.ErrNoSession) {
				t.Errorf("Peek returned %v, %v, expected ErrNoSession", v, err)
			}
			s.expectCalls()
		})
	}
}

// Goroutines that ask for the session first, while the response begins and the
// request ends, get one session, or none once the request is over.
func TestGoroutinesAskFirst(t *testing.T) {
	t.Parallel()
	s := open(t, session.Config[visits]{}, options{Defer: true})
	token := s.token()
	for range 200 {
		var asking sync.WaitGroup
		var got [4]*session.Session[visits]
		start := make(chan struct{})
		h, _, err := s.serve(token, func(h *host) error {
			for i := range got {
				asking.Go(func() {
					<-start
					v, err := session.Get[visits](h)
					if err != nil && !errors.Is(err, session.ErrNoSession) {
						t.Errorf("Get returned %v, expected the session or ErrNoSession", err)
					}
					got[i] = v
				})
			}
			close(start)
			_, err := h.w.Write([]byte("page"))
			return err
		})
		asking.Wait()
		if err != nil || h.lost != nil {
			t.Errorf("Serve returned %v and reopened the response %v, expected neither", err, h.lost)
		}
		var first *session.Session[visits]
		for _, v := range got {
			if first == nil {
				first = v
			}
			if v != nil && v != first {
				t.Fatalf("the sessions are %p, expected one", got)
			}
		}
	}
}
