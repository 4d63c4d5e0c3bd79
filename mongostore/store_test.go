package mongostore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// A list ends when it is left or when the caller's time is over, even if the server
// does not answer any more.
func TestLeavingAList(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		deadline time.Duration // of the caller; 0: none
		cancel   bool          // after the first record
		leave    bool          // after the first record
		err      error
		took     time.Duration
	}{
		"to the caller's deadline": {time.Second, false, false, session.ErrUnavailable, time.Second},
		"to the store's time-out":  {0, false, false, session.ErrUnavailable, defaultTimeout},
		"canceled":                 {0, true, false, context.Canceled, 0},
		"canceled and left":        {0, true, true, nil, 0},
		"left":                     {0, false, true, nil, 500 * time.Millisecond},
		"left with little time":    {100 * time.Millisecond, false, true, nil, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &played{}
				s := p.mustStore(t, Options{})
				p.answer = func(ctx context.Context, command bson.Raw) (bson.D, error) {
					if commandName(command) == "find" {
						return batch(7, encodeDocument(live(sample()))), nil
					}
					<-ctx.Done()
					return nil, ctx.Err()
				}
				ctx, cancel := context.WithCancel(t.Context())
				if tt.deadline > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), tt.deadline)
				}
				defer cancel()
				begin := time.Now()
				var last error
				for _, err := range s.ListUser(ctx, "sid", "u1") {
					if last = err; tt.cancel {
						cancel()
					}
					if tt.leave {
						break
					}
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if !errors.Is(last, tt.err) || tt.err == nil && last != nil {
					t.Errorf("got error %v at last, want %v", last, tt.err)
				}
			})
		})
	}
}

// Leaving a list frees its cursor on the server.
func TestLeavingAListFreesTheCursor(t *testing.T) {
	t.Parallel()
	p := &played{}
	s := p.mustStore(t, Options{})
	var sent []string
	p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
		sent = append(sent, commandName(command))
		if commandName(command) == "find" {
			return batch(7, encodeDocument(live(sample()))), nil
		}
		return nil, nil
	}
	for range s.ListUser(t.Context(), "sid", "u1") {
		break
	}
	if got := strings.Join(sent, " "); got != "find killCursors" {
		t.Errorf("sent %q, want %q", got, "find killCursors")
	}
}

// A damaged document comes with what can be read of it, and the list goes on.
func TestDamagedInAList(t *testing.T) {
	t.Parallel()
	p := &played{}
	s := p.mustStore(t, Options{})
	r := live(sample())
	with := func(id, field string, value any) bson.Raw {
		r := r
		r.ID = id
		return stored(t, r, field, value)
	}
	past := time.Now().Add(-time.Hour)
	expired := r
	expired.ID, expired.ExpiresAt = "expired", past
	p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
		if commandName(command) != "find" {
			return nil, nil
		}
		return batch(0, with("v", "v", 1.5), with("good", "user", "u1"), with("meta", "meta", nil), with("created", "created", absent),
			with("end", "expires", "never"), with("user", "user", bson.A{"u1"}), stored(t, expired, "v", 1.5),
			// These are not sessions: no session has such a name or id.
			with("name", "name", bson.A{"sid"}), stored(t, r, "_id", bson.NewObjectID()), with("last", "user", "u1")), nil
	}
	var got []string
	for r, err := range s.ListUser(t.Context(), "sid", "u1") {
		got = append(got, r.ID)
		if damaged := r.ID != "good" && r.ID != "last"; damaged != errors.Is(err, session.ErrCorrupt) || !damaged && err != nil {
			t.Errorf("%s: got error %v, want %v: %t", r.ID, err, session.ErrCorrupt, damaged)
		}
		if r.Name != "sid" || (r.User == "u1") != (r.ID != "user") || r.CreatedAt.IsZero() != (r.ID == "created") ||
			r.SeenAt.IsZero() || r.ExpiresAt.IsZero() != (r.ID == "end") {
			t.Errorf("%s: got %+v, want all but the damaged field", r.ID, r)
		}
	}
	const want = "v good meta created end user last"
	if got := strings.Join(got, " "); got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
}

// What can be read of a damaged document is enough to see whose it is, so that it
// can be deleted.
func TestDamagedLoad(t *testing.T) {
	t.Parallel()
	p := &played{}
	s := p.mustStore(t, Options{})
	r := live(sample())
	for _, field := range []string{"v", "created", "seen", "expires", "format", "meta", "data"} {
		p.answer = func(_ context.Context, command bson.Raw) (bson.D, error) {
			if commandName(command) == "find" {
				return batch(0, stored(t, r, field, nil)), nil
			}
			return nil, nil
		}
		got, err := s.Load(t.Context(), r.ID)
		if !errors.Is(err, session.ErrCorrupt) || got.ID != r.ID || got.Name != r.Name || got.User != r.User {
			t.Errorf("%s: got %+v (%v), want the id, name and user of it, and %v", field, got, err, session.ErrCorrupt)
		}
	}
}
