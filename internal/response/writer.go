// Package response has what every adapter needs of net/http: a
// [http.ResponseWriter] that tells its owner right before the first byte
// leaves, and the rules for the header fields that a session touches. It knows
// nothing of sessions and nothing of a framework.
package response

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// ErrUnfinished is what a [Writer] answers to a write that is made from within
// its own commit, and for ever after a commit that panicked: in both cases it
// is not known whether the response may leave.
var ErrUnfinished = errors.New("response: the commit has not finished")

// Committer is told right before the first byte of a response leaves, once.
type Committer interface {
	// Commit may still change the header. With hijacked the connection is about
	// to be taken over, and no header of ours will be sent any more. An error
	// keeps the response from leaving. What Commit itself writes through the
	// Writer is refused with [ErrUnfinished].
	Commit(hijacked bool) error
	// Hijacked tells that the connection was taken over, after a commit with or
	// without a header: who has it speaks for itself from now on.
	Hijacked()
}

// Writer is a [http.ResponseWriter] that commits exactly once: when the first
// of WriteHeader, Write, WriteString, ReadFrom, Flush, FlushError and Hijack is
// called. Informational headers (1xx other than 101) pass through and do not
// count. Where the commit failed, nothing of the response passes, then or later.
//
// It is made to be embedded by value in an object that lives as long as the
// request, and needs Init. As any ResponseWriter it is not for several
// goroutines at once.
type Writer struct {
	inner     http.ResponseWriter
	committer Committer // nil after Disarm
	state     *state
}

// state is how far the commit of a response has come. A state never changes:
// the Writer takes another one. Those of ordinary responses are shared, so that
// a Writer is small.
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

// Init readies w to write to inner, and makes it call c before the first byte.
// It remembers the entity headers that are there already; see Rollback.
func (w *Writer) Init(inner http.ResponseWriter, c Committer) {
	*w = Writer{inner: inner, committer: c, state: waiting}
	if h := inner.Header(); len(h) != 0 {
		if saved := entityHeaders(h); saved != nil {
			w.state = &state{saved: saved}
		}
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

// Disarm ends what w has to do with its committer: from now on it only passes on,
// or keeps back after a failed commit.
func (w *Writer) Disarm() {
	w.committer = nil
	if !w.state.begun {
		w.begin(nil)
	}
}

// Unwrap returns the writer below, where the [http.ResponseController] finds
// deadlines and full duplex, and where an error page goes after a failed commit.
func (w *Writer) Unwrap() http.ResponseWriter { return w.inner }

// Header returns the header of the writer below.
func (w *Writer) Header() http.Header { return w.inner.Header() }

// commit calls the committer unless it was called before, and returns whether
// the response may leave: nil, or the same error at every call.
func (w *Writer) commit(hijacked bool) error {
	if !w.state.begun {
		// First, so that a write from within Commit neither recurses nor gets
		// through, and a panic counts as a failure.
		w.begin(ErrUnfinished)
		w.begin(w.committer.Commit(hijacked))
	}
	return w.state.err
}

// WriteHeader commits and sends the header. An informational one is sent
// without a commit, but not after a failed one.
func (w *Writer) WriteHeader(code int) {
	if code < http.StatusOK && code != http.StatusSwitchingProtocols {
		if w.state.err == nil {
			w.inner.WriteHeader(code)
		}
		return
	}
	if w.commit(false) == nil {
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

// WriteString is Write for a string, without a copy where the writer below can.
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

// Flush is FlushError for those who know only [http.Flusher].
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError commits and flushes. Where no writer below can flush it is
// [http.ErrNotSupported], without a commit.
func (w *Writer) FlushError() error {
	if !w.Begun() && !canFlush(w.inner) {
		return http.ErrNotSupported
	}
	if err := w.commit(false); err != nil {
		return err
	}
	return http.NewResponseController(w.inner).Flush()
}

// Hijack commits, telling the committer that no header will be sent unless one
// was already, and takes the connection over. Where the server cannot (HTTP/2)
// it is [http.ErrNotSupported], without a commit: what follows is an ordinary
// response.
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

// Push implements [http.Pusher]. A pushed response is another one: no commit.
func (w *Writer) Push(target string, opts *http.PushOptions) error {
	if p, ok := find[http.Pusher](w.inner); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}
