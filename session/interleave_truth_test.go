package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
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
	changed       event   // the last write or delete, but for touches
	acked         [maxActors]int
	keys          map[string]bool // acknowledged Updates
	tokens        []string        // all that were seen
	dead          map[string]string
	given         bool      // a response gave out a token
	ended         []*author // whose acknowledged log-outs ended it
	authenticated time.Time // of the last version
	end           time.Time // of the last version
	late          bool      // a late create made it
	renewals      bool      // somebody tried to replace its token for good
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
		i = &identity{id: id, keys: map[string]bool{}, dead: map[string]string{}}
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

// accepts reports whether the secret of the token is the one that the record
// accepts now, and not one that it replaced. The digest is where stored records
// have it: behind the first byte of Meta.
func accepts(r session.Record, token string) bool {
	d := sha256.Sum256([]byte(worldCookie + "\x00" + secretIn(token)))
	return len(r.Meta) > len(d) && bytes.Equal(r.Meta[1:1+len(d)], d[:])
}

func idIn(token string) string {
	id, _, _ := strings.Cut(token, ".")
	return id
}

func secretIn(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
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

// loading notes what a load by the author will find.
func (tr *truth) loading(by *author, id string) {
	if by.presented != "" && idIn(by.presented) == id {
		by.lastLook = look{made: true, opens: tr.opens(by.manager, by.presented), dead: tr.of(id).dead[by.presented]}
	}
}

// loaded notes what a load by the author found.
func (tr *truth) loaded(by *author, r session.Record) {
	by.saw[r.ID] = true
	by.seen[r.ID] = r.SeenAt
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
	for m := range tr.looks {
		if info, ok := tr.find(m, id); ok {
			v = info.Data
			break
		}
	}
	existed := i.written
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
	if op != "touch" {
		by.base().writes++
		i.writer, i.changed = by, event{tr.now, by}
	}
	if op == "create" {
		i.creator = by
		by.created[id]++
		i.late = by.earlier != nil
		for _, from := range by.left {
			tr.moves = append(tr.moves, &move{from, id, by.base(), tr.of(from).wallet.Holder == "" && v.Holder != ""})
		}
	}
}

// deleting is called right before a delete is made.
func (tr *truth) deleting(by *author, id string) {
	if r, ok := tr.record(id); ok && tr.w.stage.live {
		tr.w.checkDelete(by, tr.of(id), r)
	}
}

// deleted notes a delete that was made.
func (tr *truth) deleted(by *author, id string) {
	tr.now++
	i := tr.of(id)
	i.changed = event{tr.now, by}
	by.deleted[id] = true
}

// saw notes a token that the record of its id accepted at some time.
func (i *identity) sawToken(token string) {
	if token == "" {
		return
	}
	for _, t := range i.tokens {
		if t == token {
			return
		}
	}
	i.tokens = append(i.tokens, token)
}

// kill notes that all tokens but one open nothing any more.
func (i *identity) kill(except, why string) {
	for _, t := range i.tokens {
		if secretIn(t) != secretIn(except) && i.dead[t] == "" {
			i.dead[t] = why
		}
	}
}

// giveOut notes a token that a response carries.
func (tr *truth) giveOut(token string) {
	i := tr.of(idIn(token))
	i.sawToken(token)
	if !i.given {
		i.given = true
		tr.given = append(tr.given, i.id)
	}
}
