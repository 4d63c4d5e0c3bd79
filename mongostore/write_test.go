package mongostore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/echosession/echosession/session"
)

// The driver returns the error of its last attempt but one. Here that one met a
// cleared pool, and hides that the first attempt was made.
func TestLostReplyBehindAClearedPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, Options{})
		r := live(sample())
		theirs := r
		theirs.Meta = []byte("of another request")
		reached, sent := 0, 0
		p.reach = func() error {
			switch reached++; reached {
			case 2:
				return poolCleared{}
			case 3:
				return topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}
			}
			return nil
		}
		p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
			switch commandName(command) {
			case "update":
				if sent++; sent == 1 {
					return nil, io.EOF // it was made, and then another write
				}
				return nil, nil // it applies no longer
			case "find":
				return batch(0, stored(t, theirs, "v", int64(3))), nil
			}
			return nil, nil
		}
		err := s.Update(t.Context(), r)
		if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrConflict) {
			t.Errorf("Update whose reply was lost, and then overwritten: got error %v, want %v: after a conflict the caller would make it once more", err, session.ErrUnavailable)
		}
		if sent != 2 || reached < 4 {
			t.Errorf("it was sent %d times, and a connection asked for %d times: want 2 and at least 4, or this shows nothing", sent, reached)
		}
	})
}

// A write for which no server was found was not sent: a conflict after it is a
// conflict.
func TestConflictAfterNoServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, Options{})
		r := live(sample())
		reached := 0
		p.reach = func() error {
			if reached++; reached == 1 {
				return topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}
			}
			return nil
		}
		p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
			if commandName(command) == "find" {
				return batch(0, stored(t, r, "v", int64(3))), nil
			}
			return nil, nil
		}
		if err := s.Update(t.Context(), r); !errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got error %v, want %v", err, session.ErrConflict)
		}
	})
}

// The store does not repeat a write to an overloaded server: the driver did that,
// as slowly as the server wants.
func TestOverloadIsNotAnsweredByMoreLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, Options{})
		sent := 0
		p.answer = func(context.Context, bson.Raw) (bson.D, error) {
			sent++
			return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 433}, {Key: "errmsg", Value: quoted},
				{Key: "errorLabels", Value: bson.A{"SystemOverloadedError"}}}, nil
		}
		if err := s.Update(t.Context(), live(sample())); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
		}
		if sent != 1 {
			t.Errorf("it was sent %d times, want once", sent)
		}
	})
}

// If a Create was not confirmed, its id then was taken, and now nothing has the id,
// it is unknown whose it was. Create never answers ErrNotFound.
func TestCreateThatIsGoneAlready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, found := range map[string][]any{
			"nothing":             nil,
			"no session any more": {bson.D{{Key: "_id", Value: "an-id"}}},
			"a foreign document":  {bson.D{{Key: "_id", Value: "an-id"}, {Key: "name", Value: 1}}},
		} {
			p := &played{}
			s := p.mustStore(t, Options{})
			sent := 0
			p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
				switch commandName(command) {
				case "insert":
					if sent++; sent == 1 {
						return bson.D{{Key: "n", Value: 1}, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: quoted}}}}, nil
					}
					return bson.D{{Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{bson.D{
						{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: quoted},
						{Key: "keyPattern", Value: bson.D{{Key: "_id", Value: 1}}},
					}}}}, nil
				case "find":
					return batch(0, found...), nil
				}
				return nil, nil
			}
			err := s.Create(t.Context(), live(sample()))
			if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: got error %v, want %v", name, err, session.ErrUnavailable)
			}
			if sent != 2 {
				t.Errorf("%s: it was sent %d times, want 2, or this shows nothing", name, sent)
			}
		}
	})
}

// answers plays a server that answers each kind of command from a list.
type answers struct {
	sent []string // the names of the commands
	by   map[string][]func() (bson.D, error)
}

func (a *answers) answer(_ context.Context, command bson.Raw) (bson.D, error) {
	name := commandName(command)
	a.sent = append(a.sent, name)
	next := a.by[name]
	if len(next) == 0 {
		return nil, errors.New("no answer is left for " + name)
	}
	a.by[name] = next[1:]
	return next[0]()
}

func TestDelete(t *testing.T) {
	t.Parallel()
	const version = 7
	r := live(sample())
	deleted := func(n int) func() (bson.D, error) {
		return func() (bson.D, error) { return bson.D{{Key: "n", Value: n}}, nil }
	}
	unconfirmed := func(n int) func() (bson.D, error) {
		return func() (bson.D, error) {
			return bson.D{{Key: "n", Value: n}, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: quoted}}}}, nil
		}
	}
	lost := func() (bson.D, error) { return nil, io.EOF }
	absent := func() (bson.D, error) { return batch(0), nil }
	there := func(version int64) func() (bson.D, error) {
		return func() (bson.D, error) { return batch(0, stored(t, r, "v", version)), nil }
	}
	damaged := func() (bson.D, error) { return batch(0, stored(t, r, "meta", nil)), nil }

	type answerList = []func() (bson.D, error)
	for name, tt := range map[string]struct {
		version int64 // 0: any
		deletes answerList
		finds   answerList
		sent    string
		want    error
	}{
		"deleted":                  {version, answerList{deleted(1)}, nil, "delete", nil},
		"any version, deleted":     {0, answerList{deleted(1)}, nil, "delete", nil},
		"absent":                   {version, answerList{deleted(0)}, answerList{absent}, "delete find", session.ErrNotFound},
		"another version":          {version, answerList{deleted(0)}, answerList{there(8)}, "delete find", session.ErrConflict},
		"another version, damaged": {version, answerList{deleted(0)}, answerList{damaged}, "delete find", session.ErrConflict},
		"came back":                {version, answerList{deleted(0), deleted(1)}, answerList{there(version)}, "delete find delete", nil},
		"any version, came back":   {0, answerList{deleted(0), deleted(1)}, answerList{there(9)}, "delete find delete", nil},
		"stays": {version, answerList{deleted(0), deleted(0), deleted(0)}, answerList{there(version), there(version), there(version)},
			"delete find delete find delete find", session.ErrUnavailable},

		"lost, then deleted":         {version, answerList{lost, deleted(1)}, nil, "delete delete", nil},
		"lost, then absent":          {version, answerList{lost, deleted(0)}, answerList{absent}, "delete delete find", session.ErrUnavailable},
		"lost, then another version": {version, answerList{lost, deleted(0)}, answerList{there(8)}, "delete delete find", session.ErrConflict},
		"lost, then still there": {version, answerList{lost, deleted(0), deleted(1)}, answerList{there(version)},
			"delete delete find delete", nil},

		"unconfirmed, then absent":          {version, answerList{unconfirmed(1), deleted(0)}, answerList{absent}, "delete delete find", nil},
		"unconfirmed and taken back":        {version, answerList{unconfirmed(1), deleted(1)}, nil, "delete delete", nil},
		"unconfirmed, then another version": {version, answerList{unconfirmed(1), deleted(0)}, answerList{there(8)}, "delete delete find", session.ErrConflict},
		"unconfirmed, nothing was deleted":  {version, answerList{unconfirmed(0), deleted(0)}, answerList{absent}, "delete delete find", session.ErrNotFound},
		"lost, then unconfirmed, then absent": {version, answerList{lost, unconfirmed(1), deleted(0)}, answerList{absent},
			"delete delete delete find", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := answers{by: map[string]answerList{"delete": tt.deletes, "find": tt.finds}}
				p := &played{noRetries: true}
				s := p.mustStore(t, Options{})
				p.answer = func(ctx context.Context, command bson.Raw) (bson.D, error) {
					if commandName(command) == "delete" {
						want := encode(filter{r.ID, tt.version}).String()
						if got := command.Lookup("deletes", "0", "q").String(); got != want {
							t.Errorf("deletes by %s, want %s", got, want)
						}
					}
					return a.answer(ctx, command)
				}
				err := s.Delete(t.Context(), r.ID, tt.version)
				if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
					t.Errorf("got error %v, want %v", err, tt.want)
				}
				for _, other := range []error{session.ErrNotFound, session.ErrConflict, session.ErrUnavailable} {
					if other != tt.want && errors.Is(err, other) {
						t.Errorf("got error %v, which is also %v", err, other)
					}
				}
				if got := strings.Join(a.sent, " "); got != tt.sent {
					t.Errorf("sent %q, want %q", got, tt.sent)
				}
			})
		})
	}
}

// What a refusal of a Create or an Update means, after answers that were lost.
func TestVerdict(t *testing.T) {
	t.Parallel()
	r := live(sample())
	r.Version = 4
	found := func(version int64, meta string) session.Record {
		found := r
		found.Version, found.Meta = version, []byte(meta)
		return found
	}
	over := found(4, "theirs")
	over.ExpiresAt = time.Now().Add(-time.Second)
	none := progress{}
	lost, unconfirmed := progress{lost: true}, progress{unconfirmed: true}
	mine := string(r.Meta)
	for name, tt := range map[string]struct {
		op      operation
		p       progress
		stored  session.Record
		missing error
		want    error
	}{
		"create, made":                  {creating, lost, found(1, mine), nil, nil},
		"create, unconfirmed, and made": {creating, unconfirmed, found(1, mine), nil, nil},
		"create, taken":                 {creating, lost, found(1, "theirs"), nil, session.ErrExists},
		"create, changed since":         {creating, lost, found(2, mine), nil, session.ErrUnavailable},
		"create, gone since":            {creating, lost, session.Record{}, session.ErrNotFound, session.ErrUnavailable},
		"create, damaged":               {creating, lost, found(1, mine), session.ErrCorrupt, session.ErrCorrupt},
		"create, no answer to the look": {creating, lost, session.Record{}, session.ErrUnavailable, session.ErrUnavailable},

		"update, refused":               {updating, none, found(5, "theirs"), nil, session.ErrConflict},
		"update, the same record again": {updating, none, found(5, mine), nil, session.ErrConflict},
		"update, refused long ago":      {updating, none, found(9, "theirs"), nil, session.ErrConflict},
		"update, absent":                {updating, none, session.Record{}, session.ErrNotFound, session.ErrNotFound},
		"update, expired":               {updating, none, over, nil, session.ErrNotFound},
		"update, damaged":               {updating, none, found(4, mine), session.ErrCorrupt, session.ErrCorrupt},
		"update, made":                  {updating, lost, found(5, mine), nil, nil},
		"update, unconfirmed, and made": {updating, unconfirmed, found(5, mine), nil, nil},
		"update, another came first":    {updating, lost, found(5, "theirs"), nil, session.ErrConflict},
		"update, another came after it": {updating, lost, found(6, "theirs"), nil, session.ErrUnavailable},
		"update, absent after it":       {updating, lost, session.Record{}, session.ErrNotFound, session.ErrNotFound},
		"update, not made":              {updating, lost, found(4, "theirs"), nil, session.ErrConflict},
	} {
		again, err := write{op: tt.op, record: r}.verdict(tt.p, tt.stored, tt.missing, time.Now())
		if again || !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got error %v and again %t, want error %v", name, err, again, tt.want)
		}
	}
}

// live is r, but ending in an hour.
func live(r session.Record) session.Record {
	now := time.Now().UTC().Truncate(time.Millisecond)
	r.CreatedAt, r.SeenAt, r.ExpiresAt = now, now, now.Add(time.Hour)
	return r
}
