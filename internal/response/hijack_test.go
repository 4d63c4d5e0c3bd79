package response_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"testing"

	"github.com/echosession/echosession/internal/response"
)

// dial sends a request by hand, for what no client understands.
func dial(t *testing.T, server *httptest.Server) *bufio.Reader {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(conn)
}

func TestHijack(t *testing.T) {
	t.Parallel()
	hijack := func(w *response.Writer) {
		conn, _, err := w.Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "RAW\n")
		_ = conn.Close()
	}
	for _, tt := range []struct {
		name     string
		handler  func(w *response.Writer, r *http.Request)
		fail     error
		hijacked bool
		first    string
		signed   bool
	}{
		{"at once", func(w *response.Writer, _ *http.Request) { hijack(w) }, nil, true, "RAW", false},
		{"at once, failing", func(w *response.Writer, _ *http.Request) { hijack(w) }, errRefused, true, "HTTP/1.1 503 Service Unavailable", true},
		{"after 101", func(w *response.Writer, _ *http.Request) { w.WriteHeader(101); hijack(w) }, nil, false, "HTTP/1.1 101 Switching Protocols", true},
		{"after 101, failing", func(w *response.Writer, _ *http.Request) { w.WriteHeader(101); hijack(w) }, errRefused, false, "HTTP/1.1 503 Service Unavailable", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, done := serve(t, false, tt.fail, tt.handler)
			in := textproto.NewReader(dial(t, server))
			if line, err := in.ReadLine(); line != tt.first || err != nil {
				t.Errorf("first line %q (%v), want %q", line, err, tt.first)
			}
			if tt.signed {
				h, err := in.ReadMIMEHeader()
				if err != nil || h.Get("X-Committed") != "yes" {
					t.Errorf("header %v, %v", h, err)
				}
				if tt.fail == nil {
					if line, _ := in.ReadLine(); line != "RAW" {
						t.Errorf("after the header came %q", line)
					}
				}
			}
			if got := <-done; len(got.commits) != 1 || got.commits[0] != tt.hijacked || got.err != tt.fail {
				t.Errorf("%+v, want one commit, hijacked %t", got, tt.hijacked)
			} else if taken := got.taken == 1; taken != (tt.fail == nil) {
				t.Errorf("told %d times that the connection was taken over, want once where it was: %t", got.taken, tt.fail == nil)
			}
		})
	}
}

func TestHijackOfHTTP2IsAnOrdinaryResponse(t *testing.T) {
	t.Parallel()
	server, done := serve(t, true, nil, func(w *response.Writer, _ *http.Request) {
		_, _, err := http.NewResponseController(w).Hijack()
		fmt.Fprint(w, errors.Is(err, http.ErrNotSupported), w.Err())
	})
	req, _ := http.NewRequest(http.MethodGet, server.URL, nil)
	resp, body := fetch(t, server, req)
	if resp.ProtoMajor != 2 || body != "true <nil>" || resp.Header.Get("X-Committed") != "yes" {
		t.Errorf("HTTP/%d, %q, %v", resp.ProtoMajor, body, resp.Header)
	}
	if got := <-done; len(got.commits) != 1 || got.commits[0] || got.taken != 0 {
		t.Errorf("%+v, want one commit, not hijacked", got)
	}
}
