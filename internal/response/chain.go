package response

import "net/http"

type unwrapper interface{ Unwrap() http.ResponseWriter }

// find returns the first writer, from rw inwards, that is also an F.
func find[F any](rw http.ResponseWriter) (F, bool) {
	for {
		if f, ok := any(rw).(F); ok {
			return f, true
		}
		u, ok := rw.(unwrapper)
		if !ok {
			var none F
			return none, false
		}
		rw = u.Unwrap()
	}
}

// canFlush tells before a commit what [http.ResponseController.Flush] would
// find only by flushing.
func canFlush(rw http.ResponseWriter) bool {
	if _, ok := find[interface{ FlushError() error }](rw); ok {
		return true
	}
	_, ok := find[http.Flusher](rw)
	return ok
}

// canHijack asks the innermost writer, the server's own. Those around it are no
// evidence: a middleware's wrapper usually has the method whatever is below,
// and only passes the call on.
func canHijack(rw http.ResponseWriter) bool {
	for {
		u, ok := rw.(unwrapper)
		if !ok {
			_, ok = rw.(http.Hijacker)
			return ok
		}
		rw = u.Unwrap()
	}
}
