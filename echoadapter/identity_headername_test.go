package echoadapter_test

import (
	"slices"
	"testing"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// A name that no field can have, or that is another one's already, is refused at
// start, together with whatever else is wrong.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"X-Session": true, "x-session": true, "Authorization": true, "Session": true, "!#$%&'*+-.^_`|~": true,
		" ": false, "X Session": false, "X:Session": false, "X-Session:": false, "X-Session\r\nX": false, "X-Séance": false, "\x00": false, "X\t": false, `"X"`: false,
		"Cookie": false, "cookie": false, "COOKIE": false, "Set-Cookie": false, "set-cookie": false,
		// They say how the message is read, or are this library's own to set.
		"Host": false, "Content-Length": false, "Transfer-Encoding": false, "Connection": false, "Trailer": false, "Vary": false, "Cache-Control": false,
	} {
		cfg := echoadapter.Config[visits]{Header: name, Session: session.Config[visits]{MaxAge: -1}}
		_, err := cfg.ToMiddleware()
		if err == nil {
			t.Fatalf("%q: no error, though MaxAge is negative", name)
		}
		fields := fieldsOf(err)
		if slices.Contains(fields, "echoadapter.Config.Header") == good || !slices.Contains(fields, "MaxAge") {
			t.Errorf("%q: the problems are of %q, expected MaxAge, and Header exactly where it is bad", name, fields)
		}
	}
}
