package session

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// Exchange is the session of one request, from the token that came in to the
// one that goes out. An adapter makes one with Begin, binds it to the request's
// context, calls Commit before the first byte of the response leaves and End
// when the handler is done. Session and Peek are what [Get] and [Peek] call.
//
// All of its methods may be called from several goroutines at once.
type Exchange[T any] struct {
	m   *Manager[T]
	req BeginOptions[T]

	// op is held by one load, commit, save, update or reload at a time, through
	// its calls of the store and the hooks. It is taken before mu.
	op sync.Mutex

	mu sync.Mutex // guards all below; never held through a call out

	phase      phase
	validating bool  // the Valid hook is running
	answering  bool  // the Failed hook is running
	read       bool  // the application looked at the session: the response depends on it
	presented  bool  // the request carried a cookie of the name
	committed  bool  // the commit was made, or is being made
	began      bool  // no header can be sent any more
	hijacked   bool  // nor will one: the handler speaks for itself
	over       bool  // the request has ended
	failure    error // the answer to a failed load: all that Get returns
	inert      error // why the session is never saved, if it is not
	failed     Op    // what the commit failed at; "" if it did not

	action Action // what the response is to say so far
	token  string // with ActionSet: what it is to give

	session  *Session[T] // nil until it is decoded or made
	*held[T]             // nil until there is a record, or session
}

// held is what an exchange has of the one session that it is about. The fields
// are guarded by the exchange's mu; those above the gap are written only with
// op held as well, or by Regenerate, which is for the goroutine that owns Data:
// so who holds op reads them without mu.
type held[T any] struct {
	self       Session[T]
	back       *Exchange[T] // for self
	rec        Record       // as this request last knew it to be stored; Version 0: not at all
	meta       meta         // of rec
	baseline   []byte       // encoding of Data as New made it, of a session that is not stored
	attempts   []attempt    // writes of which it is not known whether they landed
	reseal     bool         // rec is not sealed as it would be now
	refreshing bool         // the save under way is one that only the library wants
	final      []byte       // Data as the commit or a save saw it; nil: neither looked

	id, secret string       // what the client presents, or will
	digest     token.Digest // of the secret; zero while there is no record
	shown      token.Digest // of the secret that the client presented
	former     bool         // the secret was replaced as a matter of routine: no cookie can be sent with it
	owner      string       // User of the Data that this request started from
	created    time.Time
	promise    promise // with ActionSet

	// What the application asked for and no save has carried out yet.
	policy    SavePolicy
	destroyed bool
	asked
	next     string  // the next secret, once one is made; it holds with the save
	replaced []claim // what Regenerate left behind
	orphans  []claim // new records that could not be taken back
}

// attempt is a write that ended in an error.
type attempt struct {
	nonce   uint64
	version int64  // which it was to replace
	data    []byte // that it started from, with what others had stored by then merged in
}

// known is what events tell of the session. Requires x.op or x.mu.
func (x *Exchange[T]) known() Record {
	if x.held == nil {
		return Record{}
	}
	return Record{ID: cmp.Or(x.id, x.rec.ID), User: x.rec.User}
}

// isStored reports whether there is a record. Requires x.op or x.mu.
func (x *Exchange[T]) isStored() bool { return x.held != nil && x.rec.Version > 0 }

type phase int

const (
	phaseIdle   phase = iota // nothing asked of the store yet
	phaseLoaded              // rec is known, not decoded or not validated
	phaseReady               // session or failure is set
)

// Begin starts the exchange of a request in x, which the adapter may have as a
// part of its own state of the request (nil: in a new one), and returns x. It
// asks the store nothing. x must be zero, and not be copied afterwards.
func (m *Manager[T]) Begin(x *Exchange[T], o BeginOptions[T]) *Exchange[T] {
	if x == nil {
		x = new(Exchange[T])
	}
	x.m, x.req = m, o
	return x
}

// Load loads the session now, and validates it, where Get would do so at its
// first call.
func (x *Exchange[T]) Load(ctx context.Context) error {
	x.op.Lock()
	defer x.op.Unlock()
	return x.prepare(ctx)
}

// prepare loads the session, and decodes it only where Valid wants to see it.
// Requires x.op.
func (x *Exchange[T]) prepare(ctx context.Context) error {
	err := x.load(ctx)
	if err == nil && x.req.HasValid && x.isStored() {
		_, err = x.ready(ctx)
	}
	return err
}

// Session returns the session, which it loads first if nobody did. It is the
// same one at every call, and so is an error. A Valid hook that asks is given
// what it is validating.
func (x *Exchange[T]) Session(ctx context.Context) (*Session[T], error) {
	s, known, err := x.answered()
	if known {
		return s, err
	}
	if err := x.enter(); err != nil {
		return x.underValidation(err)
	}
	defer x.op.Unlock()
	return x.ready(ctx)
}

// answered is the answer of Session to all calls but the first.
func (x *Exchange[T]) answered() (s *Session[T], known bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = true
	return x.session, x.phase == phaseReady, x.failure
}

func (x *Exchange[T]) underValidation(err error) (*Session[T], error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.validating {
		return x.session, nil
	}
	return nil, err
}

// Peek decodes what was loaded, into a value that shares nothing with Data.
// Where there is no record it is the value of a new session.
func (x *Exchange[T]) Peek(ctx context.Context) (v T, err error) {
	_, known, err := x.answered()
	if err != nil {
		return v, err
	}
	if !known {
		if err = x.enter(); err == nil {
			defer x.op.Unlock()
			err = x.prepare(ctx)
		} else {
			_, err = x.underValidation(err)
		}
		if err != nil {
			return v, err
		}
	}
	x.mu.Lock()
	if !x.isStored() || x.inert != nil {
		x.mu.Unlock()
		return x.m.cfg.New(), nil
	}
	r, by := x.rec, x.meta
	x.mu.Unlock()
	var loaded T
	if err := x.m.decode(&r, by, &loaded); err == nil || known {
		return loaded, err
	}
	// Session finds the same, and asks the hook what is to become of it.
	if _, err := x.ready(ctx); err != nil {
		return v, err
	}
	return x.m.cfg.New(), nil
}

// hooks returns nil once the request is over: what they belong to may serve
// another request by then.
func (x *Exchange[T]) hooks() Hooks[T] {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return nil
	}
	return x.req.Hooks
}

// errOver is for those who kept a session beyond its request.
var errOver = fmt.Errorf("session: %w: the request is over; use Manager.Update in the background", ErrNoSession)
