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
	m *Manager[T]
	s *opened[T] // nil until Data is decoded or made
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
// Reload and Commit of the exchange return an error, whoever calls them. While
// Valid runs, Session returns the session under validation, also to another
// goroutine, although Valid may still refuse it.
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
	x.m, x.b, x.typed = m, &m.backend, x
	x.lines = o.Cookies
	if o.Tokens != nil {
		x.lines = o.Tokens
	}
	x.options = options{o.Tokens != nil, o.HasValid, o.HasBeforeSave}
	if o.Hooks != nil {
		x.request = o.Hooks
	}
	return x
}

// Load loads the session now, and validates it, instead of at the first Get.
func (x *Exchange[T]) Load(ctx context.Context) error {
	if err := x.tryLock(); err != nil {
		return err
	}
	defer x.unlock()
	return x.loadAndValidate(ctx)
}

// Session returns the session. The first call loads it. All calls return the
// same session, or the same error.
func (x *Exchange[T]) Session(ctx context.Context) (*Session[T], error) {
	known, err := x.known()
	if !known {
		x.lock()
		defer x.unlock()
		err = x.ready(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &x.s.session, nil
}

// known notes that the application looks at the session, and reports whether
// Session has its answer already. While a hook runs it has
// one, so that the hook does not wait for itself: in the ErrorHandler of a load
// that is the error, and otherwise the session that the operation works on.
func (x *Exchange[T]) known() (known bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = true
	switch {
	case x.stage == stageReady:
		return true, x.refusal()
	case x.running == hookNone:
		return false, nil
	case x.failure != nil:
		return true, x.failure.err
	case x.draft == nil:
		return true, errInHook
	}
	return true, nil
}

// Peek decodes what was loaded, into a value that shares nothing with Data. If
// there is no record, it is the value of a new session.
func (x *Exchange[T]) Peek(ctx context.Context) (v T, err error) {
	known, err := x.known()
	if known {
		x.mu.Lock()
		defer x.mu.Unlock()
	} else {
		x.lock()
		defer x.unlock()
		err = x.loadAndValidate(ctx)
	}
	if err != nil {
		return v, err
	}
	if !x.row.isStored() || x.ending != endingNone {
		x.outside(func() { v = x.m.cfg.New() })
		return v, nil
	}
	var e encoded
	if x.draft != nil {
		e = x.draft.base.encoded
	} else {
		e, err = x.b.open(&x.row)
	}
	if err == nil {
		err = x.decode(e, &v)
	}
	if err == nil || known {
		return v, err
	}
	// Session finds the same, and asks the ErrorHandler what follows.
	var empty T
	if err = x.ready(ctx); err == nil {
		x.outside(func() { empty = x.m.cfg.New() })
	}
	return empty, err
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

func (x *Exchange[T]) abandonSession() { x.s = nil }

func (x *Exchange[T]) freshData() (data []byte, err error) {
	x.outside(func() {
		x.s.session.Data = x.m.cfg.New()
		data, err = x.m.first(&x.s.session.Data)
	})
	return data, err
}

// decode fills v, a zero value, from e.
func (x *Exchange[T]) decode(e encoded, v *T) (err error) {
	id := x.row.id
	x.outside(func() { err = x.m.decode(id, e, v) })
	return err
}

func (x *Exchange[T]) decodeData(e encoded) error {
	var zero T
	x.s.session.Data = zero
	return x.decode(e, &x.s.session.Data)
}

// encode encodes v.
func (x *Exchange[T]) encode(v *T) (data []byte, err error) {
	x.outside(func() { data, err = x.m.encode(v) })
	return data, err
}

func (x *Exchange[T]) encodeData() ([]byte, error) { return x.encode(&x.s.session.Data) }

func (x *Exchange[T]) copyData() any { return x.s.session.Data }

func (x *Exchange[T]) setData(data any) { x.s.session.Data, _ = data.(T) }

// user returns whose session v is.
func (x *Exchange[T]) user(v *T) (user string) {
	if x.b.hasUser {
		x.outside(func() { user = x.m.cfg.User(v) })
	}
	return user
}

func (x *Exchange[T]) userOfData() string { return x.user(&x.s.session.Data) }

func (x *Exchange[T]) reread(e encoded) (data []byte, user string, err error) {
	var v T
	if err = x.decode(e, &v); err != nil {
		return nil, "", err
	}
	data, err = x.encode(&v)
	return data, x.user(&v), err
}

func (x *Exchange[T]) mergeData(base, mine, theirs encoded) (merged []byte, conflicts []string, err error) {
	id := x.row.id
	x.outside(func() {
		var v T
		if v, conflicts, err = x.m.merge(id, base, mine, theirs); err != nil {
			return
		}
		if merged, err = x.m.encode(&v); err == nil {
			x.s.session.Data = v
		}
	})
	return merged, conflicts, err
}

func (x *Exchange[T]) askValid() (bool, error) { return x.request.(Hooks[T]).Valid(&x.s.session) }

func (x *Exchange[T]) askBeforeSave() error { return x.request.(Hooks[T]).BeforeSave(&x.s.session) }
