package response_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/echosession/echosession/internal/response"
)

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
