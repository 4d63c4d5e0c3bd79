package session

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
)

// enter takes op, but for code of the application that an operation calls, such
// as a hook, and that would wait for its own caller.
func (x *Exchange[T]) enter() error {
	if x.op.TryLock() {
		return nil
	}
	if nested() {
		return errNested
	}
	x.op.Lock()
	return nil
}

var errNested = errors.New("session: code that an operation of the session calls asked for what waits for that: use what it was given, and leave saving to the caller")

// operations are the methods of Exchange that hold op.
var operations = []string{"Load", "Session", "Peek", "Commit", "End", "Abandon", "saveNow", "update", "reload"}

var exchangeFrame = reflect.TypeFor[engine]().PkgPath() + ".(*Exchange[...])."

// nested reports whether the calling goroutine is in more than one operation,
// by a look at its own stack: another goroutine of the request has to wait for
// the one that holds op, but who holds it would wait for ever. It is asked only
// where op is taken. That the inner operation is of another exchange, which a
// third party holds, is not told apart.
func nested() bool {
	var pcs [64]uintptr
	in := 0
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if method, ok := strings.CutPrefix(f.Function, exchangeFrame); ok {
				for _, op := range operations {
					if method == op {
						in++
					}
				}
			}
		}
		if in > 1 || n < len(pcs) {
			return in > 1
		}
	}
}
