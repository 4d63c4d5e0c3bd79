// Package session keeps server-side sessions whose value is the application's own
// struct.
//
// A handler gets the session of its request with [Get], through an adapter for
// its web framework, and changes its Data. What differs from the loaded value is
// saved before the response begins. Changes of overlapping requests are merged
// field by field, and a session that was destroyed is never brought back. A
// [Manager] keeps all sessions of one kind in a [Store] and serves code outside
// of requests. An [Exchange] is what adapters use.
//
// # The life of a request
//
// These files hold its steps, in this order:
//
//	context.go    Get finds the source of the request, which begins the exchange
//	exchange.go   Begin, Load, Session, Peek: the exchange and its typed side
//	flow.go       the state of one request: locks, stages, and the structs below
//	load.go       presented tokens -> openToken -> row -> decodeRow
//	fail.go       Valid, and what follows if the session cannot be loaded
//	session.go    what a handler calls: Renew, Regenerate, Destroy, SetMaxAge ...
//	explicit.go   Save, Update and Reload in the middle of a handler
//	commit.go     the first byte leaves: gather facts, plan, make the step
//	plan.go       plan decides: nothing, save, touch (both send the cookie again), destroy
//	save.go       BeforeSave, the row to write, conflicts and merging
//	renew.go      which secret the row accepts: renewal, grace, old secrets
//	write.go      the one loop that writes, and tries again after a conflict
//	unresolved.go saves that got no answer, and what became of them
//	touch.go      extends a session without writing its Data, as Rolling asks
//	destroy.go    deletes by version, also without an answer; what Regenerate leaves behind
//	reply.go      what the response says: the token and its cookie
//	end.go        the handler is done: late changes, and the end
//
// Below them, backend.go asks the store, row.go and meta.go are a record as the
// core knows it, its end, and when Rolling is due, and value.go is the only file
// that encodes and decodes a T. manager.go and users.go serve code outside of
// requests. config.go has all settings and their defaults.
// internal/token reads and signs tokens, internal/merge merges two changed values,
// and internal/adapter leads a request of any framework through these steps.
package session
