package session

import "context"

// Exchange is the session of one request, from the token that came in to the one
// that goes out. An adapter makes one with Begin when the request first needs its
// session, calls Commit before the first byte of the response leaves, and End
// when the handler is done. Session and Peek are what [Get] and [Peek] call.
//
// All its methods may be called from several goroutines at once.
type Exchange[T any] struct {
	flow
	m     *Manager[T]
	hooks Hooks[T]   // nil outside of a request, and after it
	s     *opened[T] // nil until Data is decoded or made
}

// opened is the session of an exchange once Data exists.
type opened[T any] struct {
	session Session[T]
	x       *Exchange[T]
	draft   draft
}

// BeginOptions describes the request that an exchange begins with.
type BeginOptions[T any] struct {
	Cookies []string `json:"-"` // the lines of the Cookie field
	Tokens  []string `json:"-"` // if not nil, the tokens that came in a field of their own; there is no cookie then
	Hooks   Hooks[T] `json:"-"` // nil outside of a request

	HasValid, HasBeforeSave bool // whether these hooks are called
}

// Hooks is the adapter's side of an [Exchange]. While a hook runs, Save, Update,
// Reload and Commit of the exchange return an error. Session inside of Valid
// returns the session under validation.
type Hooks[T any] interface {
	// Context is the request's, for calls that have none of their own.
	Context() context.Context
	// Origin returns how the request was sent, "http" or "https", and its host.
	Origin() (scheme, host string)
	// Valid reports whether the session, which was just loaded, may be used.
	Valid(s *Session[T]) (bool, error)
	// BeforeSave is called before each save. An error prevents the save.
	BeforeSave(s *Session[T]) error
	// Failed maps an error where it arises; see the ErrorHandler of an adapter.
	// A response that it writes may call Commit.
	Failed(op Op, err error) error
}

// Op is the operation in which an error arose.
type Op string

const (
	OpLoad    Op = "load"
	OpSave    Op = "save"
	OpDestroy Op = "destroy"
)

// Begin starts the exchange of a request in x, which the adapter may have as a
// part of its own state of the request (nil: in a new one), and returns x. It
// does not ask the store. x must be zero, and must not be copied afterwards.
func (m *Manager[T]) Begin(x *Exchange[T], o BeginOptions[T]) *Exchange[T] {
	if x == nil {
		x = new(Exchange[T])
	}
	x.m, x.hooks = m, o.Hooks
	x.flow.b, x.flow.typed = &m.backend, x
	x.lines, x.options.inHeader = o.Cookies, o.Tokens != nil
	if x.options.inHeader {
		x.lines = o.Tokens
	}
	x.options.hasValid, x.options.hasBeforeSave = o.HasValid, o.HasBeforeSave
	x.inRequest = o.Hooks != nil
	return x
}

// Load loads the session now, and validates it, instead of at the first Get.
func (x *Exchange[T]) Load(ctx context.Context) error {
	x.op.Lock()
	defer x.op.Unlock()
	return x.validated(ctx)
}

// Session returns the session. The first call loads it. All calls return the
// same session, or the same error.
func (x *Exchange[T]) Session(ctx context.Context) (*Session[T], error) {
	known, err := x.known()
	if !known {
		x.op.Lock()
		defer x.op.Unlock()
		err = x.ready(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &x.s.session, nil
}

// known reports whether Session has its answer already. While the ErrorHandler
// is asked about a load, that is the error of the load, so that the handler does
// not wait for itself.
func (x *Exchange[T]) known() (known bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = true
	switch {
	case x.stage == stageReady:
		return true, x.refusal()
	case x.running == hookValid:
		return true, nil
	case x.running == hookFailed:
		return true, x.failure.err
	}
	return false, nil
}

// Peek decodes what was loaded, into a value that shares nothing with Data. If
// there is no record, it is the value of a new session.
func (x *Exchange[T]) Peek(ctx context.Context) (v T, err error) {
	known, err := x.known()
	if !known {
		x.op.Lock()
		defer x.op.Unlock()
		err = x.validated(ctx)
	}
	if err != nil {
		return v, err
	}
	x.mu.Lock()
	isNew := !x.row.isStored() || x.closing != endingNone
	id, isOpened := x.row.id, x.draft != nil
	var e encoded
	if isOpened {
		e = x.draft.base.encoded
	}
	x.mu.Unlock()
	if isNew {
		return x.m.cfg.New(), nil
	}
	if !isOpened { // then this call has op
		e, err = x.b.open(&x.row)
	}
	if err == nil {
		var loaded T
		if err = x.m.decode(id, e, &loaded); err == nil {
			return loaded, nil
		}
	}
	if known {
		return v, err
	}
	// Session finds the same, and asks the ErrorHandler what follows.
	if err := x.ready(ctx); err != nil {
		return v, err
	}
	return x.m.cfg.New(), nil
}

// The methods of typed.

func (x *Exchange[T]) newDraft() *draft {
	if x.s == nil {
		s := &opened[T]{x: x}
		s.session.at = &s.x
		x.s = s
	}
	return &x.s.draft
}

func (x *Exchange[T]) freshData() ([]byte, error) {
	x.s.session.Data = x.m.cfg.New()
	return x.m.first(&x.s.session.Data)
}

func (x *Exchange[T]) decodeData(e encoded) error {
	var zero T
	x.s.session.Data = zero
	return x.m.decode(x.row.id, e, &x.s.session.Data)
}

func (x *Exchange[T]) encodeData() ([]byte, error) { return x.m.encode(&x.s.session.Data) }

func (x *Exchange[T]) copyData() any { return x.s.session.Data }

func (x *Exchange[T]) setData(data any) { x.s.session.Data, _ = data.(T) }

func (x *Exchange[T]) userOfData() string { return x.m.user(&x.s.session.Data) }

func (x *Exchange[T]) userOf(e encoded) (string, error) {
	var v T
	if err := x.m.decode(x.row.id, e, &v); err != nil {
		return "", err
	}
	return x.m.user(&v), nil
}

func (x *Exchange[T]) recode(e encoded) ([]byte, error) {
	var v T
	if err := x.m.decode(x.row.id, e, &v); err != nil {
		return nil, err
	}
	return x.m.encode(&v)
}

func (x *Exchange[T]) mergeData(base, mine, theirs encoded) (merged []byte, conflicts []string, err error) {
	v, conflicts, err := x.m.merge(x.row.id, base, mine, theirs)
	if err != nil {
		return nil, nil, err
	}
	if merged, err = x.m.encode(&v); err != nil {
		return nil, nil, err
	}
	x.s.session.Data = v
	return merged, conflicts, nil
}

// requestContext is the request's context, for calls that have none of their own.
func (x *Exchange[T]) requestContext() context.Context {
	if h := x.currentHooks(); h != nil {
		return h.Context()
	}
	return context.Background()
}

// currentHooks returns nil once the request is over: what the hooks belong to
// may serve another request by then.
func (x *Exchange[T]) currentHooks() Hooks[T] {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.hooks
}

func (x *Exchange[T]) requestOrigin() (scheme, host string) { return x.hooks.Origin() }

func (x *Exchange[T]) askValid() (bool, error) { return x.hooks.Valid(&x.s.session) }

func (x *Exchange[T]) askBeforeSave() error { return x.hooks.BeforeSave(&x.s.session) }

func (x *Exchange[T]) askFailed(op Op, err error) error { return x.hooks.Failed(op, err) }

func (x *Exchange[T]) releaseHooks() { x.hooks = nil }
