// Package session keeps server-side sessions whose value is the application's
// own struct.
//
// A handler gets the session of its request with [Get], through an adapter for
// its web framework, and changes the Data of it. What differs from what was
// loaded is saved before the response begins. Changes of requests that overlap
// are merged, field by field; a session that was destroyed meanwhile is never
// brought back.
//
// A [Manager] keeps all sessions of one kind in a [Store] and serves code
// outside of requests. [Exchange] is what an adapter is made of.
package session
