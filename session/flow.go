package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// flow is the session of one request, without the type of its Data: from the
// token that came in to the one that goes out. The [Exchange] that contains it
// is its typed side.
//
// Two locks keep it in order. op is held by one operation at a time (load, save,
// update, reload, commit, end) from its beginning to its end. mu guards the
// fields below it. An operation holds mu as well, and gives it back only while it
// calls the store, a hook or the codec: see outside. So short methods such as ID
// and Renew, which take only mu, never wait for the store.
//
// Unless it says otherwise, a method of flow is part of an operation and needs
// both locks. A call of outside gives up mu. Meanwhile any goroutine may change
// pending and read. If the function of an Update calls Regenerate, then draft, row
// and cred change, too.
type flow struct {
	b       *backend
	typed   typed
	request request  // nil outside of a request, and after it; mu guards it
	lines   []string // of the request that carry tokens
	options options

	op sync.Mutex

	mu            sync.Mutex
	stage         stage
	response      response
	running       hook     // the hook that runs at present
	ending        ending   // why the session is never saved, if it is not
	failed        bool     // the commit failed, and what is pending was observed
	destroyFailed bool     // a Destroy was among it
	read          bool     // the application looked at the session, so the response depends on it
	presented     bool     // the request carried a token
	hijacked      bool     // the handler has the connection and may send the token itself
	action        Action   // what the response says about the token, so far
	regenerated   uint8    // how often Regenerate was called
	failure       *failure // nil unless the session could not be loaded
	row           row      // the record as this request last knew it
	cred          credential
	draft         *draft // nil until Data is decoded or made
	reply         *reply // nil until a response is to carry a token
}

// options is what the adapter said when the exchange began.
type options struct{ inHeader, hasValid, hasBeforeSave bool }

// stage is how far the session has been loaded.
type stage uint8

const (
	stageNew    stage = iota // nothing was asked of the store
	stageLoaded              // row is known, or there is none; Data is not decoded, or not validated
	stageReady               // Get has its answer
)

// response is how far the response has come.
type response uint8

const (
	responseOpen    response = iota
	responseCommits          // the commit is being made
	responseBegun            // no header can be sent any more
	responseOver             // the request has ended
)

// hook is what runs of the application while an operation waits for it.
type hook uint8

const (
	hookNone hook = iota
	hookValid
	hookBeforeSave
	hookFailed // the ErrorHandler
	hookUpdate // the function of an Update
)

// failure is a load that failed.
type failure struct {
	err     error
	refused bool // err is the answer of the ErrorHandler, and of Get
}

// ending is why the changes of a request are never saved.
type ending uint8

const (
	endingNone       ending = iota
	endingDestroyed         // by this request; Regenerate begins anew
	endingGone              // another request ended the session, or replaced its token, since this one loaded it
	endingSuperseded        // the token that came in had been replaced
	endingUnloaded          // it could not be loaded
)

// draft is what an exchange keeps once Data exists.
type draft struct {
	base       base
	pending    pending
	unresolved *unresolved // nil while every write was answered
	leftovers  *leftovers  // nil unless Regenerate left records behind
}

// base is the value that the present Data started from: what was loaded, or the
// last one that was saved or merged. Changes are what differs from it.
type base struct {
	encoded
	version       int64 // of the record; 0: the value that New made
	user          string
	authenticated int64
}

// encoded is an encoded value of Data.
type encoded struct {
	data         []byte
	schema       int32 // of the T that wrote it
	isComparable bool  // the same T and codec wrote it, so that other bytes are another value
	needsSeal    bool  // the store does not have it sealed as it would be now
}

// pending is what the application asked for and no save has carried out yet.
type pending struct {
	renewTo   string // the secret that Renew made
	age       int64  // by SetMaxAge, in milliseconds
	hasAge    bool
	destroyed bool
	policy    SavePolicy
}

// typed is the side of an exchange that knows the type of Data. An Exchange[T]
// is one. It calls the codec and the functions of the configuration outside of
// flow.mu; askValid and askBeforeSave are called like that themselves.
type typed interface {
	newDraft() *draft            // makes the Session, if there is none, and returns its draft
	abandonSession()             // another goroutine may have the Session: the next one is a new object
	freshData() ([]byte, error)  // makes Data as New does, and returns its encoding
	decodeData(e encoded) error  // makes Data of e
	encodeData() ([]byte, error) // encodes Data
	copyData() any               // a copy of Data, for setData
	setData(data any)            // brings a copy back
	userOfData() string          // Config.User of Data
	// reread decodes e, and returns its value as this T and this codec encode it,
	// and its Config.User.
	reread(e encoded) (data []byte, user string, err error)
	// mergeData makes Data what base, mine and theirs become, and returns its
	// encoding.
	mergeData(base, mine, theirs encoded) (merged []byte, conflicts []string, err error)

	askValid() (bool, error)
	askBeforeSave() error
}

// request is the part of the hooks that does not depend on the type of Data.
type request interface {
	Context() context.Context
	Origin() (scheme, host string)
	Failed(op Op, err error) error
}

// requestContext is the request's, for calls that have none of their own. It
// takes mu.
func (f *flow) requestContext() context.Context {
	f.mu.Lock()
	request := f.request
	f.mu.Unlock()
	if request == nil {
		return context.Background()
	}
	return request.Context()
}

// lock begins an operation, when the one before has ended.
func (f *flow) lock() {
	f.op.Lock()
	f.mu.Lock()
}

// unlock ends an operation.
func (f *flow) unlock() {
	f.mu.Unlock()
	f.op.Unlock()
}

// outside gives mu back during a call to the store, a hook or the codec.
func (f *flow) outside(call func()) {
	f.mu.Unlock()
	defer f.mu.Lock()
	call()
}

// errInHook is the error of an operation that would wait for a hook, from
// which it may have been called.
var errInHook = errors.New("session: a hook of this session is running: in Valid, BeforeSave, ErrorHandler and the function of Update, use the session that it was given, and leave saving to its caller")

// tryLock begins an operation like lock. While a hook runs it returns an error
// at once: if the hook itself called, it would wait for its own end. It takes no
// lock then.
func (f *flow) tryLock() error {
	f.mu.Lock()
	running := f.running
	f.mu.Unlock()
	if running != hookNone {
		return errInHook
	}
	f.lock()
	return nil
}

// callHook calls a hook of the application, and notes that it runs.
func (f *flow) callHook(h hook, call func() error) (err error) {
	before := f.running
	f.running = h
	defer func() { f.running = before }()
	f.outside(func() { err = call() })
	return err
}

// event observes what happened to the session of r.
func (f *flow) event(ctx context.Context, kind EventKind, r row, t *meter, err error) {
	if f.b.observe != nil {
		f.outside(func() { f.b.event(ctx, kind, &r, t, err) })
	}
}

// fetch fills r with the record of id, see backend.load.
func (f *flow) fetch(ctx context.Context, id string, r *row, t *meter) (found presence, err error) {
	f.outside(func() { found, err = f.b.load(ctx, id, r, t) })
	return found, err
}

// changeable returns why the session cannot be saved, if so.
func (f *flow) changeable() error {
	switch f.ending {
	case endingDestroyed:
		return errDestroyed
	case endingGone, endingSuperseded:
		return errGone
	case endingUnloaded:
		return f.failure.err
	}
	if f.response == responseOver {
		return errOver
	}
	return nil
}

var (
	errGone      = fmt.Errorf("session: %w", ErrGone)
	errNotFound  = fmt.Errorf("session: %w", ErrNotFound)
	errDestroyed = errors.New("session: it was destroyed: call Regenerate to begin a new one")
	errOver      = fmt.Errorf("session: %w: the request is over: use Manager.Update in the background", ErrNoSession)
)

// setGone makes the session one that is never saved again. Its changes are
// dropped, and observed.
func (f *flow) setGone(ctx context.Context) {
	f.ending = endingGone
	f.action = ActionNone // the token of an earlier save is dead, and another request may have sent a new one
	f.event(ctx, EventGone, f.row, nil, errGone)
}

// publicID returns the id for the application: "" if the session only reads as
// empty. Needs only mu.
func (f *flow) publicID() string {
	if f.ending == endingSuperseded || f.ending == endingUnloaded {
		return ""
	}
	return f.row.id
}

// currentToken returns what the client must present from now on. Needs
// only mu.
func (f *flow) currentToken() string {
	id, secret := f.publicID(), f.cred.secret
	if f.draft.pending.renewTo != "" {
		secret = f.draft.pending.renewTo
	}
	if id == "" {
		return ""
	}
	return f.b.tokens.Join(id, secret)
}

// expiresAt returns when the session ends if it is not used any more. Needs only
// mu.
func (f *flow) expiresAt() int64 {
	p := f.draft.pending
	if f.row.isStored() && !p.hasAge {
		return f.b.end(&f.row)
	}
	r := row{created: f.row.created, meta: f.row.meta}
	if p.hasAge {
		r.age = time.Duration(p.age) * time.Millisecond
	}
	return f.b.endAfter(&r, nowMillis())
}
