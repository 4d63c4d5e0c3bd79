package response_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

var errRefused = errors.New("refused")

// owner is a Committer that signs the header and remembers the calls.
type owner struct {
	err      error
	hijacked []bool
	taken    int // how often the connection was taken over
	header   http.Header
	during   func()
}

func (o *owner) Hijacked() { o.taken++ }

func (o *owner) Commit(hijacked bool) error {
	o.hijacked = append(o.hijacked, hijacked)
	if o.header != nil {
		o.header.Set("X-Committed", "yes")
	}
	if o.during != nil {
		o.during()
	}
	return o.err
}

// full is a recorder with every ability that a server's writer may have.
type full struct {
	*httptest.ResponseRecorder
	calls []string
	err   error
}

func (f *full) FlushError() error {
	f.calls = append(f.calls, "FlushError")
	f.ResponseRecorder.Flush()
	return f.err
}

func (f *full) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	f.calls = append(f.calls, "Hijack")
	return nil, nil, f.err
}

func (f *full) ReadFrom(r io.Reader) (int64, error) {
	f.calls = append(f.calls, "ReadFrom")
	return io.Copy(struct{ io.Writer }{f.ResponseRecorder}, r)
}

func (f *full) WriteString(s string) (int, error) {
	f.calls = append(f.calls, "WriteString")
	return f.ResponseRecorder.WriteString(s)
}

// bare has nothing but the three methods of a ResponseWriter.
type bare struct{ http.ResponseWriter }

// around is a middleware's wrapper that has no ability of its own.
type around struct{ http.ResponseWriter }

func (a around) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// claiming has the methods of every such wrapper, and only passes them on.
type claiming struct{ around }

func (c claiming) Flush() { _ = http.NewResponseController(c.Unwrap()).Flush() }
func (c claiming) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(c.Unwrap()).Hijack()
}

func newFull() *full { return &full{ResponseRecorder: httptest.NewRecorder()} }

// strict fails the test if anything of a response reaches it.
type strict struct {
	t *testing.T
	*full
}

func (s *strict) WriteHeader(code int) { s.t.Errorf("WriteHeader(%d) passed", code) }
func (s *strict) Write(b []byte) (int, error) {
	s.t.Errorf("Write(%q) passed", b)
	return len(b), nil
}
func (s *strict) WriteString(str string) (int, error) { return s.Write([]byte(str)) }
func (s *strict) ReadFrom(io.Reader) (int64, error)   { s.t.Error("ReadFrom passed"); return 0, nil }
func (s *strict) FlushError() error                   { s.t.Error("FlushError passed"); return nil }
func (s *strict) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.t.Error("Hijack passed")
	return nil, nil, nil
}

type flushErrorer interface{ FlushError() error }

// headed gives any chain a header of its own.
type headed struct{ around }

func (headed) Header() http.Header { return http.Header{} }
