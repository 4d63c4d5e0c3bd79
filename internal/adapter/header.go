package adapter

import (
	"net/http"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// CookieField carries tokens unless an adapter is given another field.
const CookieField = "Cookie"

// Lines is memory for the header of one response, of its own.
type Lines struct{ cookie, cacheControl, vary [1]string }

// WriteHeader writes into h what out says: the token, that no cache keeps a
// response with one, and that a response made with a look at the session varies
// with the request's field that carries the token. If that is not Cookie, the
// response has the token in the same field, empty to take it away.
func WriteHeader(h http.Header, out session.Outcome, carrier string, buf *Lines) {
	switch {
	case out.Cookie != nil:
		response.ReplaceCookie(h, out.Cookie.Name, out.Cookie.String(), &buf.cookie)
		response.NoStore(h, &buf.cacheControl)
	case out.Action != session.ActionNone && carrier != CookieField:
		h.Set(carrier, out.Token)
		response.NoStore(h, &buf.cacheControl)
	}
	if out.Read {
		response.AddVary(h, carrier, &buf.vary)
	}
}
