package response

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// NoStore makes Cache-Control of h `no-store`, unless one of its directives is
// `no-store` or `private` already. A qualified `private="X-Field"` does not
// count: it lets a shared cache keep the response without the fields named
// (RFC 9111, 5.2.2.7), and it is the body that belongs to one user.
//
// buf becomes the memory of the header's value, so that nothing is allocated. It
// belongs to h from then on.
func NoStore(h http.Header, buf *[1]string) {
	if !isPrivate(h) {
		h["Cache-Control"] = add(nil, "no-store", buf)
	}
}

func isPrivate(h http.Header) bool { return lists(h["Cache-Control"], "no-store", "private") }

// lists reports whether one of the names, in any case, is an element of the list
// that the lines of a field are.
func lists(lines []string, names ...string) bool {
	for _, line := range lines {
		for line != "" {
			end := elementEnd(line)
			element := strings.Trim(line[:end], " \t")
			for _, name := range names {
				if strings.EqualFold(name, element) {
					return true
				}
			}
			line = strings.TrimPrefix(line[end:], ",")
		}
	}
	return false
}

// elementEnd returns the index of the comma that ends the first element of line,
// or its length. Commas in a quoted argument end nothing.
func elementEnd(line string) int {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case ',':
			if !quoted {
				return i
			}
		}
	}
	return len(line)
}

// AddVary adds field to Vary of h, unless that names it already, in any case
// and on any line, or is `*`. If h had no Vary, buf becomes the memory of the
// header's value, as in [NoStore].
func AddVary(h http.Header, field string, buf *[1]string) {
	if lines := h["Vary"]; !lists(lines, field, "*") {
		h["Vary"] = add(lines, field, buf)
	}
}

// ReplaceCookie makes line the only Set-Cookie of h for the cookie name: it
// takes out the earlier ones for exactly that name, keeps the others in their
// order, and appends line. If h had no Set-Cookie, buf becomes the memory of the
// header's value, as in [NoStore].
func ReplaceCookie(h http.Header, name, line string, buf *[1]string) {
	lines := slices.Clone(h["Set-Cookie"]) // because others may hold the slice
	if len(lines) > 0 {
		lines = slices.DeleteFunc(lines, func(l string) bool { return cookieName(l) == name })
		h["Set-Cookie"] = append(lines, line)
		return
	}
	h["Set-Cookie"] = add(nil, line, buf)
}

// add appends line to the lines of a field. If there are none, buf becomes their
// memory.
func add(lines []string, line string, buf *[1]string) []string {
	if len(lines) == 0 {
		buf[0] = line
		return buf[:]
	}
	return append(lines, line)
}

// cookieName returns the name in a Set-Cookie line as browsers read it: empty
// if the pair has no "=".
func cookieName(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	if name, _, ok := strings.Cut(pair, "="); ok {
		return strings.Trim(name, " \t")
	}
	return ""
}

// entityFields describe one body and one outcome: they would be wrong on the
// error page that replaces it.
var entityFields = [...]string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Location", "Content-Range",
	"Content-Type", "Etag", "Expires", "Last-Modified", "Location", "Refresh",
}

// entityHeaders copies the entity headers of h. It returns nil if h has none. It
// also copies a field that has no values, because such a field keeps the server
// from adding its own.
func entityHeaders(h http.Header) http.Header {
	var saved http.Header
	for _, field := range entityFields {
		if values, ok := h[field]; ok {
			if saved == nil {
				saved = make(http.Header)
			}
			saved[field] = slices.Clone(values)
		}
	}
	return saved
}

// Rollback removes the handler's headers that describe its body or redirect, such
// as Content-Length, ETag, Cache-Control and Location, in any spelling. It puts
// back those that were there at Init, so that an error page can be written to the
// writer below. What the handler kept out of caches stays out of them, because a
// cookie may go out with the page.
func (w *Writer) Rollback() {
	h := w.inner.Header()
	private := isPrivate(h)
	for field := range h {
		if slices.Contains(entityFields[:], http.CanonicalHeaderKey(field)) {
			delete(h, field)
		}
	}
	maps.Copy(h, w.state.saved)
	if private {
		NoStore(h, new([1]string))
	}
}
