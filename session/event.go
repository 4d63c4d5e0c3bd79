package session

import "time"

// Event is something that happened to a session, for logs, metrics and audit
// trails. It carries no token. Config.Observe gets it on the goroutine on which
// it happened.
type Event struct {
	Kind     EventKind
	ID       string        // the public id; "" if none is known
	User     string        // whose session it is; "" for an anonymous one
	Duration time.Duration // spent in the store, and only there; 0 if there was no call
	Err      error         // what was wrong; nil for ordinary events
}

// EventKind names what happened.
type EventKind string

const (
	EventCreated   EventKind = "created"    // a new record
	EventSaved     EventKind = "saved"      // a change of an existing one
	EventTouched   EventKind = "touched"    // its expiry extended by use
	EventRenewed   EventKind = "renewed"    // saved with a new token
	EventDestroyed EventKind = "destroyed"  // deleted by its own request
	EventRevoked   EventKind = "revoked"    // deleted through the Manager
	EventExpired   EventKind = "expired"    // presented after its end
	EventRejected  EventKind = "rejected"   // a token that is malformed, unknown or wrong
	EventDuplicate EventKind = "duplicate"  // two live sessions in one request
	EventConflict  EventKind = "conflict"   // both sides changed the same field; the later save won
	EventLost      EventKind = "lost"       // a change that could not be stored: the response had begun
	EventGone      EventKind = "gone"       // changes dropped: revoked or superseded meanwhile
	EventStoreDown EventKind = "store-down" // the store lost its server
	EventStoreUp   EventKind = "store-up"   // and has it again
	EventError     EventKind = "error"      // an operation of the store failed
	EventInsecure  EventKind = "insecure"   // a Secure cookie over plain http: browsers will drop it
)
