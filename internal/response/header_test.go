package response_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/echosession/echosession/internal/response"
)

func TestNoStore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		before []string
		kept   bool
	}{
		{"absent", nil, false},
		{"empty", []string{""}, false},
		{"public", []string{"public, max-age=60"}, false},
		{"no-store", []string{"no-store"}, true},
		{"private", []string{"private"}, true},
		{"in any case", []string{"PriVate"}, true},
		{"no-store in any case", []string{"No-Store"}, true},
		{"last of a list", []string{"max-age=60, must-revalidate ,\tprivate\t"}, true},
		{"first of a list", []string{" no-store ,max-age=0"}, true},
		{"in the middle of a list", []string{"a,no-store,b"}, true},
		{"empty elements", []string{",,private"}, true},
		{"on a later line", []string{"max-age=60", "no-cache", "private"}, true},
		{"only part of a word", []string{"privately, no-stores, xprivate"}, false},
		{"no-cache", []string{"no-cache"}, false},
		{"qualified", []string{`private="Set-Cookie"`}, false},
		{"qualified token", []string{`private=set-cookie`}, false},
		{"qualified, and not", []string{`private="X-A, X-B", private`}, true},
		{"within quotes", []string{`ext="a, private, b"`}, false},
		{"after quotes", []string{`ext="a, b", private`}, true},
		{"after an escaped quote", []string{`ext="a\", private, b"`}, false},
		{"after an escaped backslash", []string{`ext="a\\", private`}, true},
		{"backslash outside quotes", []string{`ext=\,private`}, true},
		{"quote that does not end", []string{`ext="a, private`}, false},
		{"backslash at the end", []string{`ext="a\`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if tt.before != nil {
				h["Cache-Control"] = slices.Clone(tt.before)
			}
			want := []string{"no-store"}
			if tt.kept {
				want = tt.before
			}
			var buf [1]string
			response.NoStore(h, &buf)
			if got := h["Cache-Control"]; !slices.Equal(got, want) {
				t.Errorf("%q became %q, want %q", tt.before, got, want)
			}
		})
	}
}

func TestAddVary(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		before, want []string
	}{
		{"absent", nil, []string{"Cookie"}},
		{"no values", []string{}, []string{"Cookie"}},
		{"empty", []string{""}, []string{"", "Cookie"}},
		{"another", []string{"Origin"}, []string{"Origin", "Cookie"}},
		{"the same", []string{"Cookie"}, []string{"Cookie"}},
		{"in another case", []string{"cOOKIE"}, []string{"cOOKIE"}},
		{"in a list", []string{"Origin ,\tCookie ,Accept"}, []string{"Origin ,\tCookie ,Accept"}},
		{"on a later line", []string{"Origin", "Accept, Cookie"}, []string{"Origin", "Accept, Cookie"}},
		{"star", []string{"*"}, []string{"*"}},
		{"star in a list", []string{"Origin, * "}, []string{"Origin, * "}},
		{"only part of a word", []string{"Cookies, X-Cookie"}, []string{"Cookies, X-Cookie", "Cookie"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if tt.before != nil {
				h["Vary"] = slices.Clone(tt.before)
			}
			var buf [1]string
			response.AddVary(h, "Cookie", &buf)
			if got := h["Vary"]; !slices.Equal(got, tt.want) {
				t.Errorf("%q became %q, want %q", tt.before, got, tt.want)
			}
			if used := buf[0] != ""; used != (len(tt.before) == 0) {
				t.Errorf("the buffer was used: %t", used)
			}
			h.Add("Vary", "Origin")
			if buf[0] != "" && buf[0] != "Cookie" {
				t.Errorf("another value went into the buffer: %q", buf)
			}
		})
	}
}

func TestReplaceCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		before, want []string
	}{
		{"absent", nil, []string{"sid=new"}},
		{"others", []string{"a=1", "b=2; Path=/"}, []string{"a=1", "b=2; Path=/", "sid=new"}},
		{"the same", []string{"sid=old; Path=/"}, []string{"sid=new"}},
		{"between others", []string{"a=1", "sid=old", "b=2", "sid=older", "c=3"}, []string{"a=1", "b=2", "c=3", "sid=new"}},
		{"another case is another cookie", []string{"SID=1"}, []string{"SID=1", "sid=new"}},
		{"longer and shorter names", []string{"sid2=1", "si=2", "xsid=3"}, []string{"sid2=1", "si=2", "xsid=3", "sid=new"}},
		{"spaces around the name", []string{" sid\t=old"}, []string{"sid=new"}},
		{"no name", []string{"sid", "=sid", "sid; a=b"}, []string{"sid", "=sid", "sid; a=b", "sid=new"}},
		{"the name in an attribute", []string{"a=sid=1; sid=2"}, []string{"a=sid=1; sid=2", "sid=new"}},
		{"equal signs in the value", []string{"sid=a=b"}, []string{"sid=new"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			before := slices.Clone(tt.before)
			if before != nil {
				h["Set-Cookie"] = before
			}
			var buf [1]string
			response.ReplaceCookie(h, "sid", "sid=new", &buf)
			if used := buf[0] != ""; used != (len(tt.before) == 0) {
				t.Errorf("the buffer was used: %t", used)
			}
			if got := h["Set-Cookie"]; !slices.Equal(got, tt.want) {
				t.Errorf("%q became %q, want %q", tt.before, got, tt.want)
			}
			if !slices.Equal(before, tt.before) {
				t.Errorf("the old slice was written into: %q", before)
			}
		})
	}
}

func TestHeaderAllocations(t *testing.T) {
	// Not parallel: AllocsPerRun counts for the whole process.
	h := http.Header{"Cache-Control": nil, "Vary": nil, "Set-Cookie": nil}
	var buf, noStore, cookie [1]string
	for _, tt := range []struct {
		name string
		max  float64
		do   func()
	}{
		{"AddVary", 0, func() { h["Vary"] = nil; response.AddVary(h, "Cookie", &buf) }},
		{"AddVary again", 0, func() { response.AddVary(h, "Cookie", &buf) }},
		{"NoStore", 0, func() { h["Cache-Control"] = nil; response.NoStore(h, &noStore) }},
		{"NoStore, kept", 0, func() { response.NoStore(h, &noStore) }},
		{"ReplaceCookie", 0, func() { h["Set-Cookie"] = nil; response.ReplaceCookie(h, "sid", "sid=a", &cookie) }},
		{"ReplaceCookie again", 1, func() { response.ReplaceCookie(h, "sid", "sid=a", &cookie) }},
	} {
		if n := testing.AllocsPerRun(100, tt.do); n > tt.max {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, n, tt.max)
		}
	}
}

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
