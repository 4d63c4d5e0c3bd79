package mongostore

import (
	"context"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/echosession/echosession/session"
)

// encodeUser selects the sessions of one kind and user, but not that of
// exceptID.
func encodeUser(name, user, exceptID string) bson.Raw {
	d := newBuilder(64 + len(name) + len(user) + len(exceptID))
	d.string(fieldName, name)
	d.string(fieldUser, user)
	if exceptID != "" {
		ne := newBuilder(16 + len(exceptID))
		ne.string("$ne", exceptID)
		d.document(fieldID, ne.end())
	}
	return d.end()
}

// ListUser implements [session.UserStore]. The documents come in batches, each
// with a time-out of its own. There is no list of nobody.
func (s *Store) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		if err := s.ready(ctx, listing); err != nil {
			yield(session.Record{}, err)
			return
		}
		if user == "" {
			return
		}
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		inSession, sess := s.causal.begin(limited)
		cursor, err := s.coll.Find(inSession, encodeUser(name, user, ""))
		cancel()
		if err != nil {
			s.causal.end(sess, err)
			yield(session.Record{}, listing.failed(ctx, err))
			return
		}
		defer func() { s.causal.end(sess, cursor.Err()) }()
		defer s.closeCursor(ctx, cursor)
		for s.next(ctx, cursor) {
			// The cursor's memory is its own, and what is yielded may be kept.
			r, err := decodeDocument(append(bson.Raw(nil), cursor.Current...))
			if err != nil {
				err = listing.is(err)
			}
			switch ends := err == nil || !r.ExpiresAt.IsZero(); {
			case r.ID == "": // no session's: no token has such an id
			case ends && expired(r, time.Now()):
			case !yield(r, err):
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(session.Record{}, listing.failed(ctx, err))
		}
	}
}

// next needs a time-out only where it asks the server for another batch.
func (s *Store) next(ctx context.Context, cursor *mongo.Cursor) bool {
	if cursor.RemainingBatchLength() > 0 {
		return cursor.Next(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return cursor.Next(limited)
}

// leaveGrace is how long a server may take to free what it holds for a list.
const leaveGrace = 500 * time.Millisecond

// closeCursor frees what the server holds for a list that was not read to its
// end. It costs the caller no time that is not theirs, and none where the server
// failed: after ten minutes without a question that frees it by itself.
func (s *Store) closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	limited, cancel := context.WithTimeout(ctx, min(leaveGrace, s.timeout))
	defer cancel()
	if cursor.Err() != nil {
		cancel() // what the driver holds is freed all the same
	}
	_ = cursor.Close(limited)
}

// DeleteUser implements [session.UserStore]: one deleteMany. Where its reply was
// lost it is sent again, and returns how many that one met.
func (s *Store) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	if user == "" {
		return 0, s.ready(ctx, clearing)
	}
	filter := encodeUser(name, user, exceptID)
	var n int64
	err := s.write(ctx, write{
		op: clearing,
		send: func(ctx context.Context, _ bool) (bool, error) {
			res, err := s.coll.DeleteMany(ctx, filter)
			if res != nil {
				n += res.DeletedCount
			}
			return false, err
		},
	})
	return n, err
}
