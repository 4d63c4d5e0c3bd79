package session_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// truth is what really happened in a world: what the store holds, who wrote it,
// and what was acknowledged to whom. It is looked at past the schedule.
type truth struct {
	w     *world
	looks []*session.Manager[wallet] // one for each Manager, of the same settings
	setup *author                    // writes what is there before the actors begin

	now    int // grows with all that happens
	ids    map[string]*identity
	order  []string // the ids as they were made
	given  []string // those that a response has given out
	moves  []*move
	nextID int
	keys   int // names of Updates, and values, that were used
}

// identity is what happened to the sessions of one id.
type identity struct {
	id            string
	written       bool   // there was a record
	wallet        wallet // the Data of the last version
	record        session.Record
	creator       *author
	writer        *author // of the last version
	changed       event   // the last write or delete; touches do not count
	acked         [maxActors]int
	keys          map[string]bool // acknowledged Updates
	tokens        []*issued       // all that were seen, the oldest first
	secrets       int             // how many different ones its versions accepted
	secretBy      *author         // who stored the present one
	given         bool            // a response gave out a token
	ended         []*author       // whose acknowledged log-outs ended it
	authenticated time.Time       // of the last version
	end           time.Time       // of the last version
	ends          []time.Time     // the same, as each Manager sees it
	late          bool            // a late write made it, or changed it
	renewals      bool            // somebody tried to replace its token deliberately
}

// event is when something happened, and who did it.
type event struct {
	at int
	by *author
}

// move is a Regenerate that stored its new session.
type move struct {
	from, to string
	by       *author
	logIn    bool // over a session of nobody: it does not depend on what became of that
}

func newTruth(w *world) *truth {
	tr := &truth{w: w, ids: map[string]*identity{}}
	tr.setup = tr.newAuthor("setup", -1, 0)
	return tr
}

func (tr *truth) newID() string {
	tr.nextID++
	return fmt.Sprintf("s%d", tr.nextID)
}

// nextKey is a number that was not used before.
func (tr *truth) nextKey() int {
	tr.keys++
	return tr.keys
}

// of returns what is known of an id.
func (tr *truth) of(id string) *identity {
	i := tr.ids[id]
	if i == nil {
		i = &identity{id: id, keys: map[string]bool{}}
		tr.ids[id] = i
		tr.order = append(tr.order, id)
	}
	return i
}

// record is what the store has of id, if it is live.
func (tr *truth) record(id string) (session.Record, bool) {
	r, err := tr.w.stage.look.Load(context.Background(), id)
	return r, err == nil
}

func (tr *truth) exists(id string) bool {
	_, ok := tr.record(id)
	return ok
}

// find is what a Manager sees of id.
func (tr *truth) find(manager int, id string) (session.Info[wallet], bool) {
	info, err := tr.looks[manager].Find(context.Background(), id)
	return info, err == nil
}

// stored is the Data that the store has of id.
func (tr *truth) stored(id string) (v wallet, ok bool) {
	if !tr.exists(id) {
		return v, false
	}
	return tr.of(id).wallet, true
}

// has reports whether the store has that Data of id.
func (tr *truth) has(id, text string) bool {
	v, ok := tr.stored(id)
	return ok && v.text() == text
}

// opens reports whether a token opens a session of a Manager.
func (tr *truth) opens(manager int, token string) bool {
	_, err := tr.looks[manager].Open(context.Background(), token)
	return err == nil
}

// opensAny reports whether a token opens a session of any Manager.
func (tr *truth) opensAny(token string) bool {
	for m := range tr.looks {
		if tr.opens(m, token) {
			return true
		}
	}
	return false
}

// sessionsOf returns the ids that the store has of a user.
func (tr *truth) sessionsOf(user string) (ids []string) {
	for _, id := range tr.order {
		if r, ok := tr.record(id); ok && r.User == user {
			ids = append(ids, id)
		}
	}
	return ids
}

// loaded notes what a load by the author found.
func (tr *truth) loaded(by *author, r session.Record) {
	by.saw[r.ID] = true
	by.seen[r.ID], by.version[r.ID] = r.SeenAt, r.Version
	if info, ok := tr.find(by.manager, r.ID); ok {
		by.ends[r.ID] = info.ExpiresAt
	}
}

// wrote notes a write that was made, and checks what can be checked of it alone.
func (tr *truth) wrote(by *author, op, id string) {
	tr.now++
	i := tr.of(id)
	r, live := tr.record(id)
	if !live {
		// It was stored with an end that has passed.
		i.written, i.end, i.changed = true, time.Now(), event{tr.now, by}
		return
	}
	before, was, v := i.record, i.wallet, i.wallet
	i.ends = slices.Grow(i.ends, len(tr.looks))[:len(tr.looks)]
	for m := range tr.looks {
		if info, ok := tr.find(m, id); ok {
			v, i.ends[m] = info.Data, info.ExpiresAt
		}
	}
	existed := i.written
	if !existed || op == "create" || !sameSecret(before, r) {
		tr.newSecret(by, i, r)
	}
	i.record, i.wallet, i.written, i.end = r, v, true, r.ExpiresAt
	if tr.w.stage.live {
		if by.gone && by.earlier == nil {
			tr.w.violate(ruleGone, "%s was told that its session is gone, and made an %s of %s", by.name, op, id)
		}
		switch op {
		case "create":
			tr.w.checkCreate(by, i)
		case "update":
			if existed {
				tr.w.checkUpdate(by, i, before, r, &was, &v)
			}
		case "touch":
			tr.w.checkTouch(by, i, before, r)
		}
	}
	tr.w.checkTimes(by, i, op, before, r)
	if by.earlier == nil {
		by.writes++
	}
	if op != "touch" {
		i.writer, i.changed = by, event{tr.now, by}
	}
	i.late = i.late && op != "create" || by.earlier != nil
	if op == "create" {
		i.creator = by
		by.created[id]++
		for _, from := range by.left {
			tr.moves = append(tr.moves, &move{from: from, to: id, by: by.base()})
		}
	}
	for _, m := range tr.moves {
		if m.to == id && m.by == by.base() && by.leftOf[m.from] == "" && v.Holder != "" {
			m.logIn = true
		}
	}
}

// deleting is called right before a delete is tried. What it returns is called
// if the delete was made.
func (tr *truth) deleting(by *author, id string) (report func()) {
	if r, ok := tr.record(id); ok && tr.w.stage.live {
		return tr.w.checkDelete(by, tr.of(id), r)
	}
	return func() {}
}

// deleted notes a delete that was made.
func (tr *truth) deleted(by *author, id string, report func()) {
	report()
	tr.now++
	i := tr.of(id)
	i.changed = event{tr.now, by}
	by.deleted[id] = true
}
