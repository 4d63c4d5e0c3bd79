package mongostore_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// What the driver reports of a write is the error of its last retry but one. Here
// that one met a pool that was cleared, and hides that the first was made.
func TestLostReplyBehindAClearedPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, mongostore.Options{})
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
					return nil, io.EOF // it was made, and then another one as well
				}
				return nil, nil // it does not apply any more
			case "find":
				return batch(0, stored(t, theirs, "v", int64(3))), nil
			}
			return nil, nil
		}
		err := s.Update(t.Context(), r)
		if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrConflict) {
			t.Errorf("Update whose reply was lost, and then overwritten: got error %v, want %v: after a conflict it would be made once more", err, session.ErrUnavailable)
		}
		if sent != 2 || reached < 4 {
			t.Errorf("it was sent %d times, and a server asked for %d times: want 2 and at least 4, or this shows nothing", sent, reached)
		}
	})
}

// A write for which no server was found was not sent, and a conflict is one.
func TestConflictAfterNoServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, mongostore.Options{})
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

// A server that is overloaded is not asked again by the store: the driver did
// that, at the pace that the server wants.
func TestOverloadIsNotAnsweredByMoreLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &played{}
		s := p.mustStore(t, mongostore.Options{})
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

// Where a Create was not confirmed, its id then was taken, and now nothing has it,
// nobody knows whose that was: Create has no "not found".
func TestCreateThatIsGoneAlready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, found := range map[string][]any{
			"nothing":              nil,
			"no session any more":  {bson.D{{Key: "_id", Value: "an-id"}}},
			"another's, a foreign": {bson.D{{Key: "_id", Value: "an-id"}, {Key: "name", Value: 1}}},
		} {
			p := &played{}
			s := p.mustStore(t, mongostore.Options{})
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

// live is r, but ending in an hour.
func live(r session.Record) session.Record {
	now := time.Now().UTC().Truncate(time.Millisecond)
	r.CreatedAt, r.SeenAt, r.ExpiresAt = now, now, now.Add(time.Hour)
	return r
}
