package adapter

import (
	"net/http"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// CookieField carries tokens unless an adapter is given another field.
const CookieField = "Cookie"

// WriteHeader writes into h what out says: the token, that no cache keeps a
// response with one, and that a response made with a look at the session varies
// with the request's field that carries the token. If that is not Cookie, the
// response has the token in the same field, empty to take it away. vary is memory
// for h; see [response.AddVary].
func WriteHeader(h http.Header, out session.Outcome, carrier string, vary *[1]string) {
	inHeader := out.Action != session.ActionNone && carrier != CookieField
	if out.Cookie != nil || inHeader {
		lines := new(struct{ cookie, cacheControl [1]string })
		if inHeader {
			h.Set(carrier, out.Token)
		} else {
			response.ReplaceCookie(h, out.Cookie.Name, out.Cookie.String(), &lines.cookie)
		}
		response.NoStore(h, &lines.cacheControl)
	}
	if out.Read {
		response.AddVary(h, carrier, vary)
	}
}
