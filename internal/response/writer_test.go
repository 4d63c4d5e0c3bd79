package response_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/echosession/echosession/internal/response"
)

// ways are all that begin a response. wantErr is false for those that cannot
// give an error.
var ways = []struct {
	name     string
	do       func(w *response.Writer) error
	wantErr  bool
	hijacked bool
	body     string
	calls    string
}{
	{"WriteHeader", func(w *response.Writer) error { w.WriteHeader(201); return nil }, false, false, "", ""},
	{"SwitchingProtocols", func(w *response.Writer) error { w.WriteHeader(101); return nil }, false, false, "", ""},
	{"WriteHeader200", func(w *response.Writer) error { w.WriteHeader(200); return nil }, false, false, "", ""},
	{"Write", func(w *response.Writer) error { _, err := w.Write([]byte("abc")); return err }, true, false, "abc", ""},
	{"WriteEmpty", func(w *response.Writer) error { _, err := w.Write(nil); return err }, true, false, "", ""},
	{"WriteString", func(w *response.Writer) error { _, err := w.WriteString("abc"); return err }, true, false, "abc", "WriteString"},
	{"io.WriteString", func(w *response.Writer) error { _, err := io.WriteString(w, "abc"); return err }, true, false, "abc", "WriteString"},
	{"ReadFrom", func(w *response.Writer) error {
		_, err := w.ReadFrom(struct{ io.Reader }{strings.NewReader("abc")})
		return err
	}, true, false, "abc", "ReadFrom"},
	{"io.Copy", func(w *response.Writer) error {
		_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("abc")})
		return err
	}, true, false, "abc", "ReadFrom"},
	{"Flush", func(w *response.Writer) error { w.Flush(); return nil }, false, false, "", "FlushError"},
	{"FlushError", func(w *response.Writer) error { return w.FlushError() }, true, false, "", "FlushError"},
	{"controller flush", func(w *response.Writer) error { return http.NewResponseController(w).Flush() }, true, false, "", "FlushError"},
	{"Hijack", func(w *response.Writer) error { _, _, err := w.Hijack(); return err }, true, true, "", "Hijack"},
	{"controller hijack", func(w *response.Writer) error {
		_, _, err := http.NewResponseController(w).Hijack()
		return err
	}, true, true, "", "Hijack"},
}

func TestEveryWayCommitsOnceBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			inner := newFull()
			o := &owner{header: inner.Header()}
			o.during = func() {
				if inner.Body.Len() != 0 || len(inner.calls) != 0 || inner.Flushed {
					t.Error("the writer below was used before the commit")
				}
			}
			var w response.Writer
			w.Init(inner, o)
			if w.Begun() || w.Err() != nil {
				t.Fatalf("after Init: Begun %t, Err %v", w.Begun(), w.Err())
			}
			if err := way.do(&w); err != nil {
				t.Fatal(err)
			}
			if !w.Begun() || w.Err() != nil {
				t.Fatalf("after the commit: Begun %t, Err %v", w.Begun(), w.Err())
			}
			if got := inner.Body.String(); got != way.body {
				t.Errorf("body %q, want %q", got, way.body)
			}
			if got := strings.Join(inner.calls, ","); got != way.calls {
				t.Errorf("calls of the writer below %q, want %q", got, way.calls)
			}
			if way.name != "Hijack" && way.name != "controller hijack" && inner.Result().Header.Get("X-Committed") != "yes" {
				t.Error("what the commit put into the header was not sent")
			}
			for _, again := range ways {
				_ = again.do(&w)
			}
			if len(o.hijacked) != 1 || o.hijacked[0] != way.hijacked {
				t.Errorf("commits (hijacked): %v, want one, %t", o.hijacked, way.hijacked)
			}
		})
	}
}

func TestFailedCommitLetsNothingPass(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			inner := &strict{t: t, full: newFull()}
			o := &owner{err: errRefused}
			var w response.Writer
			w.Init(inner, o)
			// The second and third time the writer only remembers.
			for range 3 {
				if err := way.do(&w); way.wantErr != errors.Is(err, errRefused) {
					t.Errorf("error %v, want one: %t", err, way.wantErr)
				}
				for _, later := range ways {
					if err := later.do(&w); later.wantErr != errors.Is(err, errRefused) {
						t.Errorf("then %s: error %v, want one: %t", later.name, err, later.wantErr)
					}
				}
				w.WriteHeader(http.StatusEarlyHints)
			}
			if !w.Begun() || w.Err() != errRefused {
				t.Errorf("Begun %t, Err %v", w.Begun(), w.Err())
			}
			if len(o.hijacked) != 1 || o.hijacked[0] != way.hijacked {
				t.Errorf("commits (hijacked): %v, want one, %t", o.hijacked, way.hijacked)
			}
		})
	}
}

func TestWritesReturnWhatTheWriterBelowSays(t *testing.T) {
	t.Parallel()
	inner := newFull()
	inner.err = errRefused
	var w response.Writer
	w.Init(inner, &owner{})
	if err := w.FlushError(); err != errRefused {
		t.Errorf("FlushError: %v", err)
	}
	if _, _, err := w.Hijack(); err != errRefused {
		t.Errorf("Hijack: %v", err)
	}
	if n, err := w.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if n, err := w.WriteString("abcd"); n != 4 || err != nil {
		t.Errorf("WriteString: %d, %v", n, err)
	}
	if n, err := w.ReadFrom(struct{ io.Reader }{strings.NewReader("abcde")}); n != 5 || err != nil {
		t.Errorf("ReadFrom: %d, %v", n, err)
	}
	if w.Err() != nil {
		t.Errorf("Err %v: the commit did not fail", w.Err())
	}
}

func TestAbilitiesBelow(t *testing.T) {
	t.Parallel()
	flusher := func() http.ResponseWriter { // Flush without FlushError
		return struct {
			http.ResponseWriter
			http.Flusher
		}{httptest.NewRecorder(), httptest.NewRecorder()}
	}
	for _, tt := range []struct {
		name          string
		inner         http.ResponseWriter
		flush, hijack bool
	}{
		{"all", newFull(), true, true},
		{"all, wrapped", around{around{newFull()}}, true, true},
		{"all, wrapped by one that passes on", claiming{around{newFull()}}, true, true},
		{"Flush only", flusher(), true, false},
		{"Flush only, wrapped", around{flusher()}, true, false},
		{"FlushError only", struct {
			http.ResponseWriter
			flushErrorer
		}{bare{}, newFull()}, true, false},
		{"none", bare{httptest.NewRecorder()}, false, false},
		{"none, wrapped", around{bare{httptest.NewRecorder()}}, false, false},
		{"none, wrapped by one that passes on", claiming{around{flusher()}}, true, false},
		{"unwraps to nothing", around{nil}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := func(op string, want, hijacked bool, do func(w *response.Writer) error) {
				o := &owner{}
				var w response.Writer
				w.Init(headed{around{tt.inner}}, o)
				err := do(&w)
				if !want {
					if !errors.Is(err, http.ErrNotSupported) || w.Begun() || len(o.hijacked) != 0 {
						t.Errorf("%s: error %v, begun %t: want ErrNotSupported and no commit", op, err, w.Begun())
					}
					return
				}
				if err != nil || len(o.hijacked) != 1 || o.hijacked[0] != hijacked {
					t.Errorf("%s: error %v, commits %v", op, err, o.hijacked)
				}
			}
			check("flush", tt.flush, false, func(w *response.Writer) error { return w.FlushError() })
			check("hijack", tt.hijack, true, func(w *response.Writer) error { _, _, err := w.Hijack(); return err })
		})
	}
}

func TestCommitCannotWriteThroughItsWriter(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errRefused} {
		inner := newFull()
		o := &owner{err: fail}
		var w response.Writer
		w.Init(inner, o)
		o.during = func() {
			if !w.Begun() || !errors.Is(w.Err(), response.ErrUnfinished) {
				t.Errorf("during the commit: Begun %t, Err %v", w.Begun(), w.Err())
			}
			for _, way := range ways {
				if err := way.do(&w); way.wantErr != errors.Is(err, response.ErrUnfinished) {
					t.Errorf("%s: error %v, want one: %t", way.name, err, way.wantErr)
				}
			}
			w.WriteHeader(http.StatusEarlyHints)
			if inner.Body.Len() != 0 || len(inner.calls) != 0 || inner.Flushed {
				t.Error("something passed before the commit was done")
			}
		}
		w.WriteHeader(http.StatusTeapot)
		if len(o.hijacked) != 1 {
			t.Errorf("%d commits", len(o.hijacked))
		}
		if w.Err() != fail {
			t.Errorf("Err %v, want %v", w.Err(), fail)
		}
		if sent := inner.Code == http.StatusTeapot; sent != (fail == nil) {
			t.Errorf("with %v the response was sent: %t", fail, sent)
		}
	}
}

func TestPanickingCommitIsAFailedOne(t *testing.T) {
	t.Parallel()
	inner := newFull()
	o := &owner{during: func() { panic("oops") }}
	var w response.Writer
	w.Init(inner, o)
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = w.Write([]byte("abc"))
	}()
	if _, err := w.Write([]byte("abc")); !errors.Is(err, response.ErrUnfinished) {
		t.Errorf("a write after it: %v", err)
	}
	if !w.Begun() || !errors.Is(w.Err(), response.ErrUnfinished) || inner.Body.Len() != 0 {
		t.Errorf("Begun %t, Err %v, body %q", w.Begun(), w.Err(), inner.Body)
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	inner := newFull()
	var w response.Writer
	w.Init(inner, &owner{})
	if w.Unwrap() != http.ResponseWriter(inner) {
		t.Error("Unwrap gives another writer")
	}
	w.Header().Set("X-A", "b")
	if inner.Header().Get("X-A") != "b" {
		t.Error("Header gives another header")
	}
	if w.Begun() {
		t.Error("looking began the response")
	}
}

// discard is a writer below that allocates nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

type quiet struct{}

func (quiet) Hijacked() {}

func (quiet) Commit(bool) error { return nil }

func TestNothingIsAllocated(t *testing.T) {
	// Not parallel: AllocsPerRun counts for the whole process.
	var request struct{ response.Writer }
	var inner http.ResponseWriter = discard{http.Header{}}
	body := []byte("abc")
	if n := testing.AllocsPerRun(100, func() {
		request.Init(inner, quiet{})
		request.WriteHeader(http.StatusEarlyHints)
		request.WriteHeader(http.StatusOK)
		_, _ = request.Write(body)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	inner.Header().Set("X-A", "b")
	if n := testing.AllocsPerRun(100, func() { request.Init(inner, quiet{}) }); n != 0 {
		t.Errorf("Init beside a header that is no entity header: %v allocations", n)
	}
}
