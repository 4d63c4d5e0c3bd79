package session_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

func sealing(keys ...[]byte) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.EncryptionKeys = keys }
}

// secretVisit has words that are easily found again.
func secretVisit() visit {
	return visit{Name: "ada", Count: 8675309, Note: "PLAINTEXT-NOTE", Prefs: map[string]string{"PLAINTEXT-KEY": "PLAINTEXT-VALUE"}}
}

func TestSealedRoundTrip(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName, sealing(key("a")))
	token := r.seed(secretVisit())
	for i, do := range []func(*visitSession){looking, counting, (*visitSession).Renew, func(s *visitSession) { s.Data.Note += "!" }} {
		q := r.request(token)
		s := q.get()
		if want := secretVisit(); s.Data.Prefs["PLAINTEXT-KEY"] != "PLAINTEXT-VALUE" || !strings.HasPrefix(s.Data.Note, want.Note) {
			t.Fatalf("step %d: Data %+v, want what was stored", i, s.Data)
		}
		do(s)
		if out := q.commit(); out.Token != "" {
			token = out.Token
		}
	}
	want := secretVisit()
	want.Count, want.Note = want.Count+1, want.Note+"!"
	if info, err := r.m.Find(t.Context(), idOf(token)); err != nil || !equalVisits(info.Data, want) {
		t.Errorf("Find gave %+v, %v, want %+v", info.Data, err, want)
	}
	if infos := r.sessionsOf("ada"); len(infos) != 1 || !equalVisits(infos[0].Data, want) {
		t.Errorf("Sessions gave %+v, want %+v", infos, want)
	}
	if v, err := r.request(token).x.Peek(t.Context()); err != nil || !equalVisits(v, want) {
		t.Errorf("Peek gave %+v, %v, want %+v", v, err, want)
	}
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	want.Count++
	if s, err := r.m.Open(t.Context(), token); err != nil || !equalVisits(s.Data, want) {
		t.Errorf("Open gave %+v, %v, want %+v", s.Data, err, want)
	}
	// Reading still writes nothing, and a touch leaves the sealed Data alone.
	r.forget()
	wantAction(t, r.handle(token, looking), session.ActionNone)
	r.store.wantCalls(t, "load")
}

// Two requests that change a sealed session are merged like any others.
func TestSealedConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	token := r.seed(secretVisit())
	slow := r.request(token)
	counting(slow.get())
	r.handle(token, func(s *visitSession) { s.Data.Note = "theirs" })
	wantAction(t, slow.commit(), session.ActionSet)
	if info, err := r.m.Find(t.Context(), idOf(token)); err != nil || info.Data.Note != "theirs" || info.Data.Count != 8675310 {
		t.Errorf("Find gave %+v, %v, want both changes", info.Data, err)
	}
}

// A thief of the store reads nothing of the Data, and sees no two equal texts.
func TestSealedStoreIsUnreadable(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	seen := map[string]bool{}
	r.store.answer(func(op string, rec session.Record, do func() error) error {
		if op == opCreate || op == opUpdate {
			if rec.Format != "sealed" {
				t.Errorf("%s: format %q, want sealed", op, rec.Format)
			}
			for _, field := range [][]byte{rec.Data, rec.Meta} {
				for _, text := range []string{"PLAINTEXT", "8675309", "Note", "Prefs", "{"} {
					if len(text) > 1 && bytes.Contains(field, []byte(text)) {
						t.Errorf("%s: the store can read %q in %q", op, text, field)
					}
				}
			}
			if nonce := string(rec.Data[:24]); seen[nonce] {
				t.Errorf("%s: the nonce %x came twice", op, nonce)
			} else {
				seen[nonce] = true
			}
		}
		return do()
	})
	token := r.seed(secretVisit())
	for range 5 {
		r.handle(token, func(s *visitSession) { s.SetSave(session.SaveAlways) })
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	}
	if len(seen) != 11 {
		t.Errorf("%d writes were seen, want 11", len(seen))
	}
}

// Sealing was turned on over live records: they can be read, and are sealed by
// their next save. Turned off, sealed ones are not.
func TestSealingTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	plain := newRig(t)
	token := plain.seed(secretVisit())
	sealed := plain.another(sealing(key("a")))
	q := sealed.request(token)
	if s := q.get(); !equalVisits(s.Data, secretVisit()) {
		t.Errorf("Data %+v, want that from before", s.Data)
	}
	wantAction(t, q.commit(), session.ActionNone) // that it is not sealed is no change
	wantAction(t, sealed.handle(token, counting), session.ActionSet)
	if rec := plain.record(idOf(token)); rec.Format != "sealed" || bytes.Contains(rec.Data, []byte("PLAINTEXT")) {
		t.Errorf("format %q, want it sealed by the save", rec.Format)
	}
	before := plain.record(idOf(token))
	_, err := plain.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrCorrupt)
	if _, err := plain.request(token).x.Session(t.Context()); !errors.Is(err, session.ErrCorrupt) {
		t.Errorf("Session gave %v without the key, want ErrCorrupt", err)
	}
	plain.wantUnchanged(before)
	sealed.wantOpens(token, idOf(token))
}
