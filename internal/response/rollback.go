package response

import (
	"maps"
	"net/http"
	"slices"
)

// entityFields describe one body and one outcome: they would be wrong on the
// error page that replaces it.
var entityFields = [...]string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Location", "Content-Range",
	"Content-Type", "Etag", "Expires", "Last-Modified", "Location", "Refresh",
}

// entityHeaders copies the entity headers of h; nil where it has none. A field
// with no values is kept as well: it keeps the server from adding its own.
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

// Rollback takes the handler's headers of the body and of where to go next, such
// as Content-Length, ETag, Cache-Control and Location, however spelled, out of
// the header, and puts those back that were there at Init, so that an error
// page can be written to the writer below. What was to stay out of caches still
// is: a cookie may go out with the page.
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
