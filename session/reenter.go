package session

import (
	"fmt"
	"reflect"
	"runtime"
)

// inHook is around every call of the application's code that is made with an
// exchange's op held. It must stay a frame of its own, for insideHook to find.
//
//go:noinline
func inHook(call func() error) error { return call() }

var inHookEntry = reflect.ValueOf(inHook).Pointer()

// insideHook reports whether the calling goroutine is in a hook. It is asked
// only where op is taken: another goroutine of the request has to wait for the
// hook, but the hook itself would wait for ever.
func insideHook() bool {
	var pcs [64]uintptr
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			if f, more = frames.Next(); f.Entry == inHookEntry {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// enter takes op, but for a hook that would wait for itself.
func (x *Exchange[T]) enter() error {
	if x.op.TryLock() {
		return nil
	}
	if insideHook() {
		return errInHook
	}
	x.op.Lock()
	return nil
}

var errInHook = fmt.Errorf("session: a hook, or the function of an Update, asked for what is waiting for it: use the session that it was given, and leave saving to the caller")
