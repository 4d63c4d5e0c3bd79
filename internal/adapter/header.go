package adapter

import (
	"net/http"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// WriteHeader writes into h what out says: the token, that no cache keeps a
// response with one, and that a response made with a look at the session varies
// with the request's field that carries the token. Where that is not Cookie,
// the response has the token in the same field, empty to take it away. buf is
// memory for h, of the request's own.
func WriteHeader(h http.Header, out session.Outcome, carrier string, buf *[1]string) {
	switch {
	case out.Cookie != nil:
		response.ReplaceCookie(h, out.Cookie.Name, out.Cookie.String())
		response.NoStore(h)
	case out.Action != session.ActionNone && carrier != CookieField:
		h.Set(carrier, out.Token)
		response.NoStore(h)
	}
	if out.Read {
		response.AddVary(h, carrier, buf)
	}
}

// CookieField carries tokens unless an adapter is told of another one.
const CookieField = "Cookie"
