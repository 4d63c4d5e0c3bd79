package session_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Note: "old"})
	q, s := r.begin(token)
	s.Data.Note = "pending"
	r.foreign(token, func(s *visitSession) { s.Data.Count = 10 })
	r.forget()
	runs := 0
	err := s.Update(t.Context(), func(v *visit) error {
		runs++
		if v != &s.Data {
			t.Errorf("fn is given %p, want Data of the session, %p", v, &s.Data)
		}
		if v.Note != "pending" {
			t.Errorf("fn is given %+v, want the pending change in it", *v)
		}
		return count(v)
	})
	want := visit{Name: "n", Note: "pending", Count: 11}
	if err != nil || runs != 2 || !equalVisits(s.Data, want) || !equalVisits(r.data(s.ID()), want) {
		t.Errorf("%v, %d runs, Data %+v, stored %+v, want two runs and %+v", err, runs, s.Data, r.data(s.ID()), want)
	}
	r.store.wantCalls(t, "update load update")
	r.log.want(t, session.EventSaved)
	r.forget()
	wantAction(t, q.commit(), session.ActionSet) // it is a save, with its cookie
	q.end()
	r.store.wantCalls(t, "")
	r.log.want(t)
}

func TestUpdateOfANewSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	if err := s.Update(t.Context(), func(*visit) error { return nil }); err != nil || s.IsNew() {
		t.Errorf("%v, new %v, want a record", err, s.IsNew())
	}
	r.log.want(t, session.EventCreated)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	if r.request(out.Token).get().IsNew() {
		t.Error("the token opens no session")
	}
}

// fn fails after a conflict, so that what was read meanwhile is known: the
// session stays as it was, and the later commit does not take the fields of
// others for its own.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	for how, fail := range map[string]func(v *visit) error{
		"error": func(*visit) error { return errBroken },
		"panic": func(*visit) error { panic(errBroken) },
	} {
		for _, conflict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, conflict=%v", how, conflict), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				token := r.seed(visit{Name: "n", Note: "old", Prefs: map[string]string{"a": "1"}})
				q, s := r.begin(token)
				s.Data.Count = 2
				if conflict {
					r.foreign(token, func(s *visitSession) { s.Data.Note = "theirs"; s.Data.Prefs["b"] = "2" })
				}
				before := r.record(s.ID())
				runs := 0
				err := recovered(func() error {
					return s.Update(t.Context(), func(v *visit) error {
						v.Prefs["a"], v.Prefs["c"], v.Name = "x", "3", "gone"
						if runs++; conflict && runs == 1 {
							return nil
						}
						return fail(v)
					})
				})
				wantErr(t, err, errBroken)
				r.wantData(s, visit{Name: "n", Note: "old", Count: 2, Prefs: map[string]string{"a": "1"}})
				if rec := r.record(s.ID()); rec.Version != before.Version {
					t.Errorf("version %d, want the store as before, %d", rec.Version, before.Version)
				}
				wantAction(t, q.commit(), session.ActionSet)
				want := visit{Name: "n", Note: "old", Count: 2, Prefs: map[string]string{"a": "1"}}
				if conflict {
					want.Note, want.Prefs["b"] = "theirs", "2"
				}
				r.wantStored(s.ID(), want)
				q.end()
			})
		}
	}
}

func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	return f()
}

// An error that is fn's own is nobody else's business.
func TestUpdateErrorIsNotObserved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.request(r.seed(visit{Name: "n"})).get()
	if err := s.Update(t.Context(), func(*visit) error { return errBroken }); err != errBroken {
		t.Errorf("error %v, want fn's as it is", err)
	}
	r.log.want(t)
	r.store.failWith(opUpdate, session.ErrUnavailable)
	wantErr(t, s.Update(t.Context(), count), session.ErrUnavailable)
	r.log.want(t, session.EventError)
}

// Other failures than fn's.
func TestUpdateNotStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set func(*rig, *fakeRequest)
		fn  func(*visit) error
		err error
	}{
		"store":      {func(r *rig, _ *fakeRequest) { r.store.failWith(opUpdate, session.ErrUnavailable) }, count, session.ErrUnavailable},
		"too large":  {nil, func(v *visit) error { v.Note = string(make([]byte, 1000)); return nil }, session.ErrTooLarge},
		"BeforeSave": {func(_ *rig, q *fakeRequest) { q.beforeSave = func(*visitSession) error { return errBroken } }, count, errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *visitConfig) { cfg.MaxBytes = 500 })
			token := r.seed(visit{Name: "n"})
			q := r.requestWith(func(q *fakeRequest) {
				if tt.set != nil {
					tt.set(r, q)
				}
			}, sid(token))
			s := q.get()
			wantErr(t, s.Update(t.Context(), tt.fn), tt.err)
			if want := (visit{Name: "n"}); !equalVisits(s.Data, want) || !equalVisits(r.data(s.ID()), want) {
				t.Errorf("Data %+v, stored %+v, want %+v", s.Data, r.data(s.ID()), want)
			}
		})
	}
}

// BeforeSave sees what fn made, and what it adds is stored.
func TestUpdateAsksBeforeSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.requestWith(func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { s.Data.Note = fmt.Sprint("count ", s.Data.Count); return nil }
	}, sid(r.seed(visit{Name: "n"})))
	s := q.get()
	wantNoErr(t, s.Update(t.Context(), count))
	r.wantStored(s.ID(), visit{Name: "n", Count: 1, Note: "count 1"})
}

// What fn does to the session itself is void with its error.
func TestUpdateFailsAfterOtherCalls(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){
		"Renew":      (*visitSession).Renew,
		"Regenerate": (*visitSession).Regenerate,
		"SetMaxAge":  func(s *visitSession) { s.SetMaxAge(maxDays) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			id := s.ID()
			wantErr(t, s.Update(t.Context(), func(*visit) error { do(s); return errBroken }), errBroken)
			if s.Data.Name != "n" || s.ID() != id {
				t.Errorf("id %q, Data %+v, want %q with its Data", s.ID(), s.Data, id)
			}
			s.Data.Count = 2
			wantAction(t, q.commit(), session.ActionSet)
			if !r.exists(id) || r.len() != 1 || r.data(id).Count != 2 || r.data(id).Name != "n" {
				t.Errorf("%d records, that of %q among them: %v, want the change in it", r.len(), id, r.exists(id))
			}
		})
	}
}

// Everybody counts: many at once, each of a session object of its own that was
// loaded before any of them.
func TestConcurrentUpdatesAddUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	r.addUp(func() func() error {
		s, err := r.m.Open(t.Context(), token)
		return func() error { return errors.Join(err, s.Update(t.Context(), count)) }
	}, token)
}

func TestConcurrentUpdatesOfTheManagerAddUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	r.addUp(func() func() error {
		return func() error { return r.m.Update(t.Context(), idOf(token), count) }
	}, token)
}

// addUp runs 200 of what prepare makes, all at once.
func (r *rig) addUp(prepare func() func() error, token string) {
	r.Helper()
	const n = 200
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		update := prepare()
		wg.Go(func() {
			<-start
			errs[i] = update()
		})
	}
	close(start)
	wg.Wait()
	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if got := r.data(idOf(token)).Count; got != n || len(failed) != 0 {
		r.Errorf("%d of %d counted, %d failed: %v", got, n, len(failed), errors.Join(failed...))
	}
	if got := r.log.all(session.EventConflict); len(got) != 0 {
		r.Errorf("%d conflicts, want none", len(got))
	}
}
