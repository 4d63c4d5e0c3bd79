package session_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// The checks of one write, made right after it.

func (w *world) checkCreate(by *author, i *identity) {
	if by.created[i.id] > 0 && !by.acknowledgedEnd(i.id) {
		w.violate(ruleCreatedOnce, "%s created %s again, and was never told that it was deleted", by.name, i.id)
	}
	if len(i.ended) > 0 && by.earlier == nil {
		w.violate(ruleLogOut, "%s created %s again after %s had ended it", by.name, i.id, i.ended[0].name)
	}
	w.checkReader(by, "create", i, nil, nil)
}

// acknowledgedEnd reports whether the author was told that its delete was made.
func (by *author) acknowledgedEnd(id string) bool { return by.deleted[id] && by.failed[id] == 0 }

// checkUpdate compares a version with the one that it replaced. In a session that
// nobody else has had, the author may change everything.
func (w *world) checkUpdate(by *author, i *identity, before, after session.Record, was, v *wallet) {
	alone := by.created[i.id] > 0 && !i.given && i.writer.base() == by.base()
	w.checkCounts(by, i, was, v, alone)
	w.checkReader(by, "update", i, was, v)
	if alone {
		return
	}
	for n := range maxActors {
		got := *v.own(n)
		switch {
		case got == *was.own(n):
		case n != by.actor:
			w.violate(ruleOthers, "%s changed %s of %s from %d to %d", by.name, ownField(n), i.id, *was.own(n), got)
		case !slices.Contains(by.values, got):
			w.violate(ruleOthers, "%s stored %s:%d in %s, which it never had", by.name, ownField(n), got, i.id)
		case got < i.acked[n]:
			w.violate(ruleSaved, "%s put %s of %s back to %d, but %d had been acknowledged", by.name, ownField(n), i.id, got, i.acked[n])
		}
	}
	if v.Shared != was.Shared && !slices.Contains(by.shared, v.Shared) && !slices.Contains(by.shared, was.Shared) {
		w.violate(ruleOthers, "%s changed Shared of %s from %q to %q", by.name, i.id, was.Shared, v.Shared)
	}
	if v.Holder != was.Holder && (!slices.Contains(by.holders, v.Holder) || by.job) {
		w.violate(ruleOthers, "%s changed Holder of %s from %q to %q", by.name, i.id, was.Holder, v.Holder)
	}
	if after.User != v.Holder {
		w.violate(ruleOthers, "%s stored %s with User %q and Holder %q", by.name, i.id, after.User, v.Holder)
	}
	for _, key := range bothKeys(was.Marks, v.Marks) {
		if was.Marks[key] != v.Marks[key] && key != markKey(by.actor) {
			w.violate(ruleOthers, "%s changed the mark %q of %s from %q to %q", by.name, key, i.id, was.Marks[key], v.Marks[key])
		}
	}
	if !by.asks && by.presented != "" && !sameSecret(before, after) && !accepts(before, by.presented) {
		w.violate(ruleReads, "%s only read, with a token that was replaced already, and replaced the token of %s", by.name, i.id)
	}
	moved := !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) && len(w.settings) == 1
	if by.job && (moved || after.User != before.User || !sameSecret(before, after)) {
		w.violate(ruleJob, "%s changed the times, the user or the token of %s", by.name, i.id)
	}
}

// sameSecret reports whether two versions accept the same secret.
func sameSecret(a, b session.Record) bool {
	return len(a.Meta) > 33 && len(b.Meta) > 33 && string(a.Meta[1:33]) == string(b.Meta[1:33])
}

func markKey(actor int) string {
	if actor < 0 {
		return ""
	}
	return ownField(actor)
}

// bothKeys returns the keys of two maps, sorted.
func bothKeys[V any](a, b map[string]V) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// checkCounts looks at the Updates that a version has.
func (w *world) checkCounts(by *author, i *identity, was, v *wallet, alone bool) {
	sum := 0
	for _, key := range bothKeys(was.Done, v.Done) {
		had, has := was.Done[key], v.Done[key]
		sum += has
		switch {
		case i.keys[key] && has == 0:
			w.violate(ruleCounted, "%s took the Update %s out of %s, which had been acknowledged", by.name, key, i.id)
		case has > 1 && has > had && !by.repeated[key]:
			w.violate(ruleCounted, "%s stored the Update %s of %s %d times", by.name, key, i.id, has)
		case had != has && !by.keys[key] && !alone:
			w.violate(ruleOthers, "%s changed the count of the Update %s of %s from %d to %d", by.name, key, i.id, had, has)
		}
	}
	if v.Total != sum {
		w.violate(ruleCounted, "%s stored Total:%d in %s, whose Updates are %v", by.name, v.Total, i.id, v.Done)
	}
}

// checkReader holds against a request that only read what it wrote.
func (w *world) checkReader(by *author, op string, i *identity, was, v *wallet) {
	if by.asks || by.actor < 0 {
		return
	}
	s := w.settings[by.manager]
	routine := s.rolling || slices.ContainsFunc(w.settings, func(s settings) bool { return s.renewAfter > 0 })
	if op != "update" || !routine {
		w.violate(ruleReads, "%s only read, and made an %s of %s", by.name, op, i.id)
	} else if was.text() != v.text() {
		w.violate(ruleReads, "%s only read, and changed %s from %s to %s", by.name, i.id, was, v)
	}
}

// checkTouch looks whether the touch was due: no shorter age than a minute is
// ever set, so a touch is never more than an hour's share of that early.
func (w *world) checkTouch(by *author, i *identity, before, after session.Record) {
	s := w.settings[by.manager]
	if !s.rolling {
		w.violate(ruleReads, "%s touched %s without Rolling", by.name, i.id)
		return
	}
	wait := s.touchAfter
	if wait == 0 {
		wait = s.maxAge / 24
	}
	wait = time.Duration(float64(wait) * min(1, float64(time.Minute)/float64(s.maxAge)))
	if seen, ok := by.seen[i.id]; ok && wait > 0 && after.SeenAt.Sub(seen) < wait {
		w.violate(ruleReads, "%s touched %s after %v, before that was due", by.name, i.id, after.SeenAt.Sub(seen))
	}
	if after.SeenAt.Before(before.SeenAt) || after.ExpiresAt.Before(before.ExpiresAt) {
		w.violate(ruleTimes, "%s moved the times of %s backwards", by.name, i.id)
	}
}

// checkTimes looks at the times of every version.
func (w *world) checkTimes(by *author, i *identity, op string, before, after session.Record) {
	info, ok := w.truth.find(by.manager, i.id)
	if !ok {
		return
	}
	if op == "create" {
		i.authenticated = info.AuthenticatedAt
		return
	}
	if !after.CreatedAt.Equal(before.CreatedAt) {
		w.violate(ruleTimes, "%s moved CreatedAt of %s from %v to %v", by.name, i.id, before.CreatedAt, after.CreatedAt)
	}
	if after.User == before.User && i.writer.base() != by.base() && !by.touched["Holder"] && !by.logsIn && !info.AuthenticatedAt.Equal(i.authenticated) {
		w.violate(ruleTimes, "%s moved AuthenticatedAt of %s from %v to %v", by.name, i.id, i.authenticated, info.AuthenticatedAt)
	}
	i.authenticated = info.AuthenticatedAt
	if s := w.settings[by.manager]; s.absolute > 0 && !by.job && len(w.settings) == 1 && after.User != "" {
		if age := after.ExpiresAt.Sub(info.AuthenticatedAt); age > s.absolute {
			w.violate(ruleTimes, "%s ends %v after the log-in, by %s; AbsoluteTimeout is %v", i.id, age, by.name, s.absolute)
		}
	}
}

// checkDelete looks whether the author may end the record, which is there, and
// returns what reports that it may not.
func (w *world) checkDelete(by *author, i *identity, r session.Record) (report func()) {
	switch {
	case by.owner != "" && r.User != by.owner:
		return func() { w.violate(ruleOwnEnd, "%s ended %s, which was of %q by then", by.name, i.id, r.User) }
	case by.admin, by.owner != "", by.created[i.id] > 0, i.writer != nil && i.writer.base() == by.base():
		return func() {}
	case !by.asks && !by.refused:
		return func() { w.violate(ruleReads, "%s only read, and ended %s", by.name, i.id) }
	}
	mine := slices.ContainsFunc(by.tokens, func(token string) bool {
		return idIn(token) == i.id && (accepts(r, token) || w.truth.opensAny(token))
	})
	mine = mine || i.secretBy == by.base()
	if mine && slices.Contains(by.holders, r.User) || by.version[i.id] == r.Version {
		return func() {}
	}
	return func() {
		w.violate(ruleOwnEnd, "%s ended %s, of which %s had made another session, of %q", by.name, i.id, i.writer.name, r.User)
	}
}

var word = regexp.MustCompile(`\w+`)

// checkConflict looks at the fields that an EventConflict names.
func (w *world) checkConflict(a *actor, e session.Event) {
	if a.author == nil {
		return
	}
	for _, name := range word.FindAllString(e.Err.Error(), -1) {
		if slices.Contains(walletFields, name) && !a.author.touched[name] {
			w.violate(ruleConflict, "%s changed no %s, and a conflict is reported for it: %v", a.author.name, name, e.Err)
		}
	}
}

// isTold reports whether an error tells that a session is gone.
func isGone(err error) bool { return errors.Is(err, session.ErrGone) }

// noContext is for what is asked past the schedule.
var noContext = context.Background()
