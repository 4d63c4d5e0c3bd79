package adapter

import (
	"net/http"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// WriteHeader writes into h what out says: the cookie, that no cache keeps a
// response with one, and that a response made with a look at the session
// varies with the field that carries the token. buf is memory for h, of the
// request's own.
func WriteHeader(h http.Header, out session.Outcome, carrier string, buf *[1]string) {
	if out.Cookie != nil {
		response.ReplaceCookie(h, out.Cookie.Name, out.Cookie.String())
		response.NoStore(h)
	}
	if out.Read {
		response.AddVary(h, carrier, buf)
	}
}
