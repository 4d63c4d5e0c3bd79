package response_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/echosession/echosession/internal/response"
)

func TestRollback(t *testing.T) {
	t.Parallel()
	handler := func(h http.Header) {
		h.Set("Cache-Control", "max-age=60")
		h.Set("ETag", `"handler"`)
		h.Set("Last-Modified", "handler")
		h.Set("Content-Length", "7")
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Type", "text/csv")
		h.Set("Content-Disposition", "attachment")
		h.Set("Content-Range", "bytes 0-6/7")
		h.Set("Location", "/next")
		h.Set("X-Handler", "stays")
	}
	for _, tt := range []struct {
		name    string
		before  http.Header
		handler func(http.Header)
		want    http.Header
	}{
		{"none at Init", http.Header{}, handler, http.Header{"X-Handler": {"stays"}}},
		{"others at Init", http.Header{"X-Outer": {"a"}}, handler, http.Header{"X-Outer": {"a"}, "X-Handler": {"stays"}}},
		{
			"some at Init",
			http.Header{"Cache-Control": {"private", "max-age=1"}, "Content-Type": {"text/html"}},
			handler,
			http.Header{"Cache-Control": {"private", "max-age=1"}, "Content-Type": {"text/html"}, "X-Handler": {"stays"}},
		},
		{
			"all at Init, taken away by the handler",
			http.Header{
				"Cache-Control": {"a"}, "Etag": {"b"}, "Last-Modified": {"c"},
				"Content-Length": {"1"}, "Content-Encoding": {"d"}, "Content-Type": {"e"},
				"Content-Disposition": {"f"}, "Content-Range": {"g"}, "Location": {"h"},
			},
			func(h http.Header) { clear(h) },
			http.Header{
				"Cache-Control": {"a"}, "Etag": {"b"}, "Last-Modified": {"c"},
				"Content-Length": {"1"}, "Content-Encoding": {"d"}, "Content-Type": {"e"},
				"Content-Disposition": {"f"}, "Content-Range": {"g"}, "Location": {"h"},
			},
		},
		{
			"switched off at Init", http.Header{"Content-Type": nil}, handler,
			http.Header{"Content-Type": nil, "X-Handler": {"stays"}},
		},
		{
			"written into in place", http.Header{"Etag": {"outer"}},
			func(h http.Header) { h["Etag"][0] = "handler" },
			http.Header{"Etag": {"outer"}},
		},
		{"spelled otherwise", http.Header{}, func(h http.Header) { h["ETag"] = []string{"x"}; h["content-type"] = []string{"y"} }, http.Header{}},
		{"nothing to do", http.Header{"X-Outer": {"a"}}, func(http.Header) {}, http.Header{"X-Outer": {"a"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inner := discard{tt.before}
			var w response.Writer
			w.Init(inner, &owner{err: errRefused})
			tt.handler(w.Header())
			_, _ = w.Write([]byte("abc"))
			w.Rollback()
			if !maps.EqualFunc(inner.h, tt.want, slices.Equal[[]string]) {
				t.Errorf("header %v, want %v", inner.h, tt.want)
			}
		})
	}
}

func TestInitForgetsTheLastRequest(t *testing.T) {
	t.Parallel()
	var w response.Writer
	w.Init(discard{http.Header{"Etag": {"first"}}}, &owner{err: errRefused})
	w.WriteHeader(http.StatusOK)
	second := discard{http.Header{}}
	w.Init(second, &owner{})
	if w.Begun() || w.Err() != nil {
		t.Errorf("Begun %t, Err %v", w.Begun(), w.Err())
	}
	w.Rollback()
	if len(second.h) != 0 {
		t.Errorf("header %v", second.h)
	}
}
