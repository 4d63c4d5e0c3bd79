package response_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/internal/response"
)

// exchange is one request to a real server whose handler writes through a Writer.
type exchange struct {
	commits []bool // for each: hijacked
	err     error  // Writer.Err at the end
	begun   bool
	taken   int // calls of Hijacked
}

// serve starts a server whose commit signs the header, or fails with fail, in
// which case it answers as an adapter would. What happened comes out of the channel.
func serve(t *testing.T, http2 bool, fail error, handler func(w *response.Writer, r *http.Request)) (*httptest.Server, <-chan exchange) {
	t.Helper()
	done := make(chan exchange, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		o := &owner{err: fail, header: rw.Header()}
		w := &struct{ response.Writer }{}
		w.Init(rw, o)
		handler(&w.Writer, r)
		if w.Err() != nil {
			w.Rollback()
			http.Error(w.Unwrap(), "not saved", http.StatusServiceUnavailable)
		}
		done <- exchange{o.hijacked, w.Err(), w.Begun(), o.taken}
	}))
	server.EnableHTTP2 = http2
	if http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server, done
}

// fetch makes a request and reads the whole answer.
func fetch(t *testing.T, server *httptest.Server, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := server.Client().Do(req.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestServed(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789", 10)
	for _, tt := range []struct {
		name, method, rangeHeader string
		handler                   func(w *response.Writer, r *http.Request)
		status                    int
		body                      string
	}{
		{"Write", "GET", "", func(w *response.Writer, _ *http.Request) { _, _ = w.Write([]byte("abc")) }, 200, "abc"},
		{"WriteString", "GET", "", func(w *response.Writer, _ *http.Request) { _, _ = w.WriteString("abc") }, 200, "abc"},
		{"Fprint", "GET", "", func(w *response.Writer, _ *http.Request) { fmt.Fprint(w, "abc") }, 200, "abc"},
		{"WriteHeader", "GET", "", func(w *response.Writer, _ *http.Request) { w.WriteHeader(204) }, 204, ""},
		{"Error", "GET", "", func(w *response.Writer, _ *http.Request) { http.Error(w, "gone", http.StatusGone) }, 410, "gone\n"},
		{"HEAD", "HEAD", "", func(w *response.Writer, _ *http.Request) { _, _ = w.Write([]byte("abc")) }, 200, ""},
		{"Copy", "GET", "", func(w *response.Writer, _ *http.Request) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("abc")})
		}, 200, "abc"},
		{"Redirect", "HEAD", "", func(w *response.Writer, r *http.Request) { http.Redirect(w, r, "/b", http.StatusTemporaryRedirect) }, 307, ""},
		{"ServeContent", "GET", "", func(w *response.Writer, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(content))
		}, 200, content},
		{"ServeContent range", "GET", "bytes=5-14", func(w *response.Writer, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(content))
		}, 206, content[5:15]},
		{"ServeContent HEAD", "HEAD", "", func(w *response.Writer, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(content))
		}, 200, ""},
		{"flush, then more", "GET", "", func(w *response.Writer, _ *http.Request) {
			w.Flush()
			w.Header().Set("X-Late", "a")
			_, _ = w.WriteString("a")
			_ = http.NewResponseController(w).Flush()
			_, _ = w.WriteString("b")
		}, 200, "ab"},
		{"deadline and full duplex", "GET", "", func(w *response.Writer, _ *http.Request) {
			rc := http.NewResponseController(w)
			err := errors.Join(rc.SetWriteDeadline(time.Now().Add(time.Minute)), rc.SetReadDeadline(time.Time{}), rc.EnableFullDuplex())
			fmt.Fprint(w, err)
		}, 200, "<nil>"},
	} {
		for _, fail := range []error{nil, errRefused} {
			t.Run(fmt.Sprintf("%s/fail=%t", tt.name, fail != nil), func(t *testing.T) {
				t.Parallel()
				server, done := serve(t, false, fail, tt.handler)
				server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				req, _ := http.NewRequest(tt.method, server.URL, nil)
				if tt.rangeHeader != "" {
					req.Header.Set("Range", tt.rangeHeader)
				}
				resp, body := fetch(t, server, req)
				status, want := tt.status, tt.body
				if fail != nil {
					status, want = http.StatusServiceUnavailable, "not saved\n"
					if tt.method == http.MethodHead {
						want = ""
					}
				}
				if resp.StatusCode != status || body != want {
					t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, status, want)
				}
				if resp.Header.Get("X-Committed") != "yes" || resp.Header.Get("X-Late") != "" && fail == nil {
					t.Errorf("header %v", resp.Header)
				}
				if got := <-done; len(got.commits) != 1 || got.commits[0] || got.err != fail || !got.begun {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

func TestInformationalHeadersPassUncommitted(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errRefused} {
		begun := make(chan bool, 2)
		server, done := serve(t, false, fail, func(w *response.Writer, _ *http.Request) {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
			begun <- w.Begun()
			w.WriteHeader(http.StatusProcessing)
			begun <- w.Begun()
			w.WriteHeader(http.StatusCreated)
			w.WriteHeader(http.StatusEarlyHints)
		})
		var codes []int
		req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				codes = append(codes, code)
				if h.Get("Link") == "" || h.Get("X-Committed") != "" {
					t.Errorf("%d came with %v", code, h)
				}
				return nil
			},
		}), http.MethodGet, server.URL, nil)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if first, second := <-begun, <-begun; first || second {
			t.Error("an informational header committed")
		}
		if len(codes) != 2 || codes[0] != 103 || codes[1] != 102 {
			t.Errorf("informational headers %v", codes)
		}
		want := http.StatusCreated
		if fail != nil {
			want = http.StatusServiceUnavailable
		}
		if resp.StatusCode != want || resp.Header.Get("X-Committed") != "yes" {
			t.Errorf("got %d %v, want %d", resp.StatusCode, resp.Header, want)
		}
		if got := <-done; len(got.commits) != 1 || got.err != fail {
			t.Errorf("%+v", got)
		}
	}
}

func TestFirstByteLeavesWithTheFlush(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server, done := serve(t, false, nil, func(w *response.Writer, _ *http.Request) {
		w.Flush()
		<-release
		_, _ = w.WriteString("end")
	})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	resp, err := server.Client().Do(req) // returns once the header is there
	close(release)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("X-Committed") != "yes" {
		t.Errorf("header %v", resp.Header)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "end" {
		t.Errorf("body %q", body)
	}
	<-done
}

func TestNothingWrittenIsNotCommitted(t *testing.T) {
	t.Parallel()
	server, done := serve(t, false, errRefused, func(*response.Writer, *http.Request) {})
	req, _ := http.NewRequest(http.MethodGet, server.URL, nil)
	if resp, _ := fetch(t, server, req); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	if got := <-done; got.begun || got.err != nil || len(got.commits) != 0 {
		t.Errorf("%+v", got)
	}
}

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
				t.Errorf("Hijacked was called %d times, want once if the connection was taken over: %t", got.taken, tt.fail == nil)
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
