package session_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// author is one request or job, as the store sees it: in whose name it is called,
// and what that one has the right to do.
type author struct {
	tr      *truth
	name    string
	actor   int // whose field it may change
	manager int
	job     bool    // Manager.Update: a change that is no use of the session
	admin   bool    // may delete any session
	caller  *author // the request that calls the Manager, if it is one
	owner   string  // may delete the sessions of this user; "" is nobody

	presented string    // the token that came with the request
	lastLook  look      // the last load of its session
	refused   bool      // Valid said false
	asks      bool      // it did something else than to read
	logsIn    bool      // an Update of it logged in: if that failed, it may be stored, and count as its change at the next save
	gone      bool      // it was told that its session is gone
	troubled  bool      // an event reported an error
	answer    time.Time // when the store last answered, with success or an error
	writes    int       // its creates, updates and touches that were made

	values   []int             // that its field may have: what was loaded and what it set
	holders  []string          // users that its Data had
	shared   []string          // values of Shared that it set
	touched  map[string]bool   // the fields of Data that it changed other than by Update
	keys     map[string]bool   // the Updates that it tried, by their names
	repeated map[string]bool   // those of them whose write was refused at its repetition
	tokens   []string          // with which it was let in, or that it made
	left     []string          // ids that Regenerate left behind
	leftOf   map[string]string // whose they were, as the author knew

	// By id:
	created map[string]int       // how often it created the record
	deleted map[string]bool      // its delete was made
	saw     map[string]bool      // a load of it found the record
	knew    map[string]bool      // the store told that the record was there
	seen    map[string]time.Time // SeenAt at the last load
	version map[string]int64     // at the last load
	ends    map[string]time.Time // by its Manager, at the last load
	heard   map[string]int       // when the store last told about it
	unheard map[string]int       // when it last answered with an error that tells nothing
	landed  map[string]int       // when a write of it was made whose answer is lost
	failed  map[string]int       // when a write or delete of it was answered with an error that tells nothing; 0: not the last one
	unsure  map[string]bool      // a delete of it was answered so, at any time

	earlier *author // of a write that is made late: the author
}

func (tr *truth) newAuthor(name string, actor, manager int) *author {
	return &author{
		tr: tr, name: name, actor: actor, manager: manager, touched: map[string]bool{}, keys: map[string]bool{}, repeated: map[string]bool{},
		leftOf: map[string]string{}, created: map[string]int{}, deleted: map[string]bool{}, saw: map[string]bool{}, knew: map[string]bool{}, seen: map[string]time.Time{}, version: map[string]int64{}, ends: map[string]time.Time{},
		heard: map[string]int{}, unheard: map[string]int{}, landed: map[string]int{}, failed: map[string]int{}, unsure: map[string]bool{},
	}
}

// late returns the author of a write that is made late.
func (by *author) late() *author {
	c := *by
	c.earlier = by
	return &c
}

// base is the author itself, also of a late write.
func (by *author) base() *author {
	if by.earlier != nil {
		return by.earlier
	}
	return by
}

// answered notes the answer of the store to a call that reached it. A fault is an
// answer that tells nothing, and so is the end of a context.
func (by *author) answered(c call, err error, f *fault) {
	by.tr.now++
	told := (f == nil || f.kind == zeroVersion && err != nil) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
	isRefused := errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrExists) // which do not tell what there is
	if c.op == "load" {
		by.lastLook.failed = !told
	}
	if !told {
		by.unheard[c.id] = by.tr.now
	} else {
		if !isRefused {
			by.heard[c.id] = by.tr.now
		}
		by.knew[c.id] = by.knew[c.id] || err == nil
	}
	if c.op != "load" && c.op != "touch" && !(told && isRefused) {
		by.failed[c.id] = 0
		if !told {
			by.failed[c.id] = by.tr.now
		}
	}
	if c.op == "delete" {
		by.unsure[c.id] = by.unsure[c.id] || !told
	}
}

// isUnsure reports whether the author does not know what became of its last write
// of a record, or of the record.
func (by *author) isUnsure(id string) bool {
	return by.failed[id] > 0 || by.unheard[id] > by.heard[id]
}

// mayHold adds a user, and mayValue a value of its field, that the Data of the
// author may have.
func (by *author) mayHold(user string) {
	if !slices.Contains(by.holders, user) {
		by.holders = append(by.holders, user)
	}
}

func (by *author) mayValue(n int) {
	if !slices.Contains(by.values, n) {
		by.values = append(by.values, n)
	}
}

// mayUse adds a token.
func (by *author) mayUse(token string) {
	if token != "" && !slices.Contains(by.tokens, token) {
		by.tokens = append(by.tokens, token)
	}
}

// knows takes what the author's Data is now.
func (by *author) knows(v *wallet) {
	by.mayHold(v.Holder)
	if by.actor >= 0 {
		by.mayValue(*v.own(by.actor))
	}
}

// quits reports whether the request may take the cookie away.
func (by *author) quits() bool { return by.refused || by.touched[quit] }

// quit is among what a request touched if it called Destroy or Regenerate.
const quit = "quit"
