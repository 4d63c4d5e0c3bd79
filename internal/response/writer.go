// Package response has what every adapter needs of net/http: a
// [http.ResponseWriter] that calls its owner right before the first byte leaves,
// and the rules for the header fields that a session touches. It knows neither
// sessions nor a framework.
package response

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// ErrUnfinished is what a [Writer] answers to a write from within its own
// commit, and to every write after a commit that panicked. In both cases it is
// not known whether the response may leave.
var ErrUnfinished = errors.New("response: the commit has not finished")

// Committer is the owner of a [Writer].
type Committer interface {
	// Commit is called once, right before the first byte of the response leaves.
	// It may still change the header. If hijacked, the connection is about to be
	// taken over, and no header will be sent. An error keeps the response from
	// leaving. What Commit itself writes through the Writer is refused with
	// [ErrUnfinished].
	Commit(hijacked bool) error
	// Hijacked is called when the connection was taken over, after a commit with
	// or without a header. From then on the handler writes everything itself.
	Hijacked()
}

// Writer is a [http.ResponseWriter] that commits exactly once: at the first call
// of WriteHeader, Write, WriteString, ReadFrom, Flush, FlushError or Hijack.
// Informational headers (1xx other than 101) pass through and do not count. If
// the commit failed, nothing of the response passes, then or later.
//
// It is small, so that it can be part of an object that lives as long as the
// request, and needs Init. Like any ResponseWriter it is not for several
// goroutines at once.
type Writer struct {
	inner     http.ResponseWriter
	committer Committer // nil after Disarm
	state     *state
}

// state is how far the commit has come. A state never changes: the Writer moves
// from one to the next. The states of ordinary responses are shared, which keeps
// a Writer small.
type state struct {
	begun bool
	err   error
	saved http.Header // the entity headers that were there at Init; nil if there were none
}

var (
	waiting    = &state{}
	committing = &state{begun: true, err: ErrUnfinished}
	committed  = &state{begun: true}
)

// Init readies w to write to inner, and to call c before the first byte. It
// remembers the entity headers that are there already; see Rollback.
func (w *Writer) Init(inner http.ResponseWriter, c Committer) {
	*w = Writer{inner: inner, committer: c, state: waiting}
	if saved := entityHeaders(inner.Header()); saved != nil {
		w.state = &state{saved: saved}
	}
}

// begin marks the response as begun, with the error of its commit.
func (w *Writer) begin(err error) {
	switch {
	case w.state.saved == nil && err == nil:
		w.state = committed
	case w.state.saved == nil && err == ErrUnfinished:
		w.state = committing
	default:
		w.state = &state{begun: true, err: err, saved: w.state.saved}
	}
}

// Begun reports whether the commit was made, successfully or not, or is being made.
func (w *Writer) Begun() bool { return w.state.begun }

// Err returns why the commit failed: the committer's error, or [ErrUnfinished]
// while it runs and after it panicked. It is nil before, and after a success.
func (w *Writer) Err() error { return w.state.err }

// Disarm makes w forget its committer: from now on it only passes on, or keeps
// back after a failed commit.
func (w *Writer) Disarm() {
	w.committer = nil
	if !w.state.begun {
		w.begin(nil)
	}
}

// Unwrap returns the writer below. There the [http.ResponseController] finds
// deadlines and full duplex, and an error page goes there after a failed commit.
func (w *Writer) Unwrap() http.ResponseWriter { return w.inner }

// Header returns the header of the writer below.
func (w *Writer) Header() http.Header { return w.inner.Header() }

// commit calls the committer unless it was called before, and returns whether
// the response may leave: nil, or the same error at every call.
func (w *Writer) commit(hijacked bool) error {
	if !w.state.begun {
		// First, so that a write from within Commit neither recurses nor passes,
		// and a panic counts as a failure.
		w.begin(ErrUnfinished)
		w.begin(w.committer.Commit(hijacked))
	}
	return w.state.err
}

// WriteHeader commits and sends the header. An informational one is sent
// without a commit, but not after a failed one.
func (w *Writer) WriteHeader(code int) {
	err := w.state.err
	if code >= http.StatusOK || code == http.StatusSwitchingProtocols {
		err = w.commit(false)
	}
	if err == nil {
		w.inner.WriteHeader(code)
	}
}

// Write commits and writes b.
func (w *Writer) Write(b []byte) (int, error) {
	if err := w.commit(false); err != nil {
		return 0, err
	}
	return w.inner.Write(b)
}

// WriteString is Write for a string, without a copy if the writer below can.
func (w *Writer) WriteString(s string) (int, error) {
	if err := w.commit(false); err != nil {
		return 0, err
	}
	return io.WriteString(w.inner, s)
}

// ReadFrom commits before it reads, and leaves the copying to the writer below,
// which may have sendfile.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	if err := w.commit(false); err != nil {
		return 0, err
	}
	return io.Copy(w.inner, r)
}

// Flush is FlushError for callers that know only [http.Flusher].
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError commits and flushes. If no writer below can flush, it returns
// [http.ErrNotSupported] without a commit.
func (w *Writer) FlushError() error {
	if !w.Begun() && !canFlush(w.inner) {
		return http.ErrNotSupported
	}
	if err := w.commit(false); err != nil {
		return err
	}
	return http.NewResponseController(w.inner).Flush()
}

// Hijack commits, and takes the connection over. If the server cannot do that
// (HTTP/2), it returns [http.ErrNotSupported] without a commit, and what follows
// is an ordinary response.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.Begun() && !canHijack(w.inner) {
		return nil, nil, http.ErrNotSupported
	}
	if err := w.commit(true); err != nil {
		return nil, nil, err
	}
	conn, rw, err := http.NewResponseController(w.inner).Hijack()
	if err == nil && w.committer != nil {
		w.committer.Hijacked()
	}
	return conn, rw, err
}

type unwrapper interface{ Unwrap() http.ResponseWriter }

// canFlush reports before a commit what [http.ResponseController.Flush] would
// find out only by flushing.
func canFlush(rw http.ResponseWriter) bool {
	for {
		switch w := rw.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case unwrapper:
			rw = w.Unwrap()
		default:
			return false
		}
	}
}

// canHijack asks the innermost writer, the server's own. A middleware's wrapper
// is no evidence: it usually has the method in any case, and only passes the
// call on.
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
