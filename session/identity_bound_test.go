package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// tamperedStore is one into which somebody writes by hand: alter changes what
// is loaded.
type tamperedStore struct {
	session.Store
	alter func(*session.Record)
}

func (s *tamperedStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if err == nil && s.alter != nil {
		r.Meta, r.Data = slices.Clone(r.Meta), slices.Clone(r.Data)
		s.alter(&r)
	}
	return r, err
}

func tampered(s *tamperedStore) func(*visitConfig) {
	return func(cfg *visitConfig) {
		s.Store = cfg.Store
		cfg.Store = s
	}
}

// wantCorrupt fails unless the record of token is ErrCorrupt to whoever asks
// for its Data, and is left as it is.
func (r *rig) wantCorrupt(what, token string) {
	r.Helper()
	r.forget()
	id := idOf(token)
	_, open := r.m.Open(r.Context(), token)
	_, found := r.m.Find(r.Context(), id)
	_, got := r.request(token).x.Session(r.Context())
	_, peeked := r.request(token).x.Peek(r.Context())
	updated := r.m.Update(r.Context(), id, count)
	for how, err := range map[string]error{"Open": open, "Find": found, "Update": updated, "Get": got, "Peek": peeked} {
		if !errors.Is(err, session.ErrCorrupt) {
			r.Errorf("%s: %s gave the error %v, want ErrCorrupt", what, how, err)
		}
	}
	// A handler that goes on with an empty session, as its error handler says,
	// stores nothing.
	q := r.requestWith(func(q *fakeRequest) { q.failed = func(session.Op, error) error { return nil } }, sid(token))
	s := q.get()
	if !s.IsNew() || s.Data.Note != "" {
		r.Errorf("%s: Data %+v, want nothing of the record", what, s.Data)
	}
	counting(s)
	s.SetSave(session.SaveAlways)
	wantAction(r.T, q.commit(), session.ActionNone)
	if err := s.Save(r.Context()); err == nil {
		r.Errorf("%s: Save gave no error, want one", what)
	}
	q.end()
	for _, op := range []string{opCreate, opUpdate, opTouch, opDelete} {
		if n := r.store.count(op); n != 0 {
			r.Errorf("%s: %d calls of %s, want the record to be left as it is", what, n, op)
		}
	}
}

func TestSealBindsTheRecord(t *testing.T) {
	t.Parallel()
	flip := func(at int) func(r, _, _ *session.Record) {
		return func(r, _, _ *session.Record) { r.Data[(at+len(r.Data))%len(r.Data)] ^= 1 }
	}
	for what, alter := range map[string]func(r, earlier, other *session.Record){
		"user":                     func(r, _, _ *session.Record) { r.User = "eve" },
		"no user":                  func(r, _, _ *session.Record) { r.User = "" },
		"another version":          func(r, _, _ *session.Record) { r.Version++ },
		"an earlier version":       func(r, e, _ *session.Record) { r.Version = e.Version },
		"created":                  func(r, _, _ *session.Record) { r.CreatedAt = r.CreatedAt.Add(time.Millisecond) },
		"the nonce of the write":   func(r, _, _ *session.Record) { r.Meta[33]++ },
		"the shape":                func(r, _, _ *session.Record) { r.Meta[41]++ },
		"when it was issued":       func(r, _, _ *session.Record) { r.Meta[49]++ },
		"earlier data":             func(r, e, _ *session.Record) { r.Data = e.Data },
		"earlier data and version": func(r, e, _ *session.Record) { r.Data, r.Version = e.Data, e.Version },
		"earlier meta":             func(r, e, _ *session.Record) { r.Meta = e.Meta },
		"data of another":          func(r, _, o *session.Record) { r.Data = o.Data },
		"all of another":           func(r, _, o *session.Record) { meta, id := r.Meta, r.ID; *r = *o; r.Meta, r.ID = meta, id },
		"no data":                  func(r, _, _ *session.Record) { r.Data = nil },
		"a nonce alone":            func(r, _, _ *session.Record) { r.Data = r.Data[:24] },
		"less than a nonce":        func(r, _, _ *session.Record) { r.Data = r.Data[:23] },
		"truncated":                func(r, _, _ *session.Record) { r.Data = r.Data[:len(r.Data)-1] },
		"longer":                   func(r, _, _ *session.Record) { r.Data = append(r.Data, 0) },
		"a bit of the nonce":       flip(0),
		"a bit at its end":         flip(23),
		"a bit of the text":        flip(24),
		"a bit of the tag":         flip(-1),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			store := new(tamperedStore)
			r := newRig(t, byName, sealing(key("a")), tampered(store))
			token, other := r.seed(secretVisit()), r.seed(visit{Name: "eve", Note: "PLAINTEXT"})
			earlier := r.record(idOf(token))
			r.with(token, counting)
			theirs := r.record(idOf(other))
			store.alter = func(rec *session.Record) { alter(rec, &earlier, &theirs) }
			r.wantCorrupt(what, token)
			store.alter = nil
			r.wantOpens(token, idOf(token))
		})
	}
}

// A thief who can write gives a victim's sealed Data to a record of their own,
// whose token they have, or to another kind of session.
func TestSealBindsTheIDAndTheName(t *testing.T) {
	t.Parallel()
	store := new(tamperedStore)
	r := newRig(t, byName, sealing(key("a")), tampered(store))
	victimToken, thief := r.seed(secretVisit()), r.seed(visit{Name: "ada"})
	victim := r.record(idOf(victimToken))
	store.alter = func(rec *session.Record) {
		rec.Data, rec.User, rec.CreatedAt = victim.Data, victim.User, victim.CreatedAt
	}
	r.wantCorrupt("data of another id", thief)

	// All of the record, but its id and the digest of the thief's own secret.
	store.alter = func(rec *session.Record) {
		id, digest := rec.ID, rec.Meta[:33]
		*rec = victim
		rec.ID, rec.Meta = id, slices.Concat(digest, victim.Meta[33:])
	}
	r.wantCorrupt("all of another id", thief)

	// A copy of the record that would outlive it, with the victim's own secret.
	store.alter = func(rec *session.Record) {
		id := rec.ID
		*rec = victim
		rec.ID = id
	}
	r.wantCorrupt("a copy under another id", idOf(thief)+"."+secretOf(victimToken))

	store.alter = func(rec *session.Record) { rec.Name = "other" }
	other := r.another(byName, sealing(key("a")), tampered(store), func(cfg *visitConfig) { cfg.Cookie.Name = "other" })
	if _, err := other.m.Find(t.Context(), idOf(thief)); !errors.Is(err, session.ErrCorrupt) {
		t.Errorf("Find by another kind gave %v, want ErrCorrupt", err)
	}
}

// The format of the value is bound, too: JSON is not to be read as something else.
func TestSealBindsTheCodec(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	token := r.seed(secretVisit())
	r.another(sealing(key("a")), func(cfg *visitConfig) { cfg.Codec = renamedCodec{name: "mine"} }).wantCorrupt("another codec", token)
}

func TestSealedByAnotherKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	token := r.seed(secretVisit())
	for what, set := range map[string]func(*visitConfig){
		"another key":   sealing(key("b")),
		"two others":    sealing(key("b"), key("c")),
		"no key at all": func(*visitConfig) {},
	} {
		r.another(set).wantCorrupt(what, token)
	}
	r.another(sealing(key("b"), key("c"), key("a"))).wantOpens(token, idOf(token))
	r.wantOpens(token, idOf(token))
}

// What claims not to be sealed is not opened as if it were, and the other way
// round.
func TestSealedFormatIsNotGuessed(t *testing.T) {
	t.Parallel()
	store := new(tamperedStore)
	r := newRig(t, sealing(key("a")), tampered(store))
	token := r.seed(secretVisit())
	store.alter = func(rec *session.Record) { rec.Format = "json" }
	r.wantCorrupt("sealed, called json", token)
	store.alter = func(rec *session.Record) { rec.Data = []byte(`{"Name":"eve"}`) }
	r.wantCorrupt("json, called sealed", token)
	store.alter = func(rec *session.Record) { rec.Format, rec.Data = "", nil }
	r.wantCorrupt("nothing", token)
}
