package mongostore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/echosession/echosession/session"
)

// ready returns an error if an operation must not begin.
func (s *Store) ready(ctx context.Context, op operation) error {
	if err := ctx.Err(); err != nil {
		return op.translate(ctx, err)
	}
	if s.closed.Load() {
		return op.errorf("the store is closed: %w", session.ErrUnavailable)
	}
	return nil
}

// Load implements [session.Store] with one findOne by _id. The clock of this
// machine decides whether the session has expired; the server only collects
// expired documents.
func (s *Store) Load(ctx context.Context, id string) (session.Record, error) {
	if err := s.ready(ctx, loading); err != nil {
		return session.Record{}, err
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := s.find(limited, loading, id)
	if err == nil && expired(r, time.Now()) {
		return session.Record{}, loading.wrap(session.ErrNotFound)
	}
	return r, err
}

// find returns the record of id, expired or not, for an operation. With
// session.ErrCorrupt it returns what can be read of the record.
func (s *Store) find(ctx context.Context, op operation, id string) (session.Record, error) {
	inSession, end := s.causal.begin(ctx)
	raw, err := s.coll.FindOne(inSession, bson.D{{Key: fieldID, Value: id}}).Raw()
	end(err)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return session.Record{}, op.wrap(session.ErrNotFound)
	}
	if err != nil {
		return session.Record{}, op.translate(ctx, err)
	}
	r, err := decodeDocument(raw)
	return r, op.wrap(err)
}

func expired(r session.Record, now time.Time) bool { return !r.ExpiresAt.After(now) }

// Create implements [session.Store] with one insertOne. The id of an expired
// document that the server has not collected yet is taken.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	doc := encodeDocument(r)
	return s.perform(ctx, write{op: creating, record: r, size: len(doc), send: func(ctx context.Context) (applied bool, err error) {
		_, err = s.coll.InsertOne(ctx, doc)
		if isDuplicateID(err) {
			return false, nil
		}
		return err == nil, err
	}})
}

// Update implements [session.Store] with one updateOne of exactly that version,
// never an upsert. Only if that updates nothing, a findOne says why.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	update := encodeUpdate(r)
	return s.perform(ctx, write{op: updating, record: r, size: len(update), send: s.change(r, update)})
}

// change returns how to send a change of the version of r, if it has not expired.
func (s *Store) change(r session.Record, update any) sending {
	return func(ctx context.Context) (applied bool, err error) {
		res, err := s.coll.UpdateOne(ctx, encode(liveFilter{r.ID, r.Version, after{time.Now()}}), update)
		return err == nil && res.MatchedCount > 0, err
	}
}

// Touch implements [session.Store] with one updateOne. If its answer is lost, it
// fails and may have been made: a lost touch costs a little of the session's
// life. Only if it updates nothing, a findOne says why.
func (s *Store) Touch(ctx context.Context, r session.Record) error {
	forward := bson.D{{Key: "$max", Value: bson.D{{Key: fieldSeen, Value: r.SeenAt}, {Key: fieldExpires, Value: r.ExpiresAt}}}}
	return s.perform(ctx, write{op: touching, record: r, send: s.change(r, forward)})
}

// Delete implements [session.Store] with one deleteOne of exactly that version.
// Only if that deletes nothing, a findOne says why.
//
// If an answer is lost and the session is gone afterwards, this or another
// delete removed it: that is [session.ErrUnavailable]. If no majority confirmed
// the deletion in time and the session is gone afterwards, it is deleted.
func (s *Store) Delete(ctx context.Context, id string, version int64) error {
	r := session.Record{ID: id, Version: version}
	return s.perform(ctx, write{op: deleting, record: r, send: func(ctx context.Context) (applied bool, err error) {
		res, err := s.coll.DeleteOne(ctx, encode(filter{id, version}))
		return err == nil && res.DeletedCount > 0, err
	}})
}

// ListUser implements [session.UserStore] with one find. The documents come in
// batches, each with a time-out of its own. The empty user has no sessions.
func (s *Store) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		if err := s.ready(ctx, listing); err != nil {
			yield(session.Record{}, err)
			return
		}
		if user == "" {
			return
		}
		inSession, end := s.causal.begin(ctx)
		limited, cancel := context.WithTimeout(inSession, s.timeout)
		cursor, err := s.coll.Find(limited, userFilter(name, user, ""))
		cancel()
		if err != nil {
			end(err)
			yield(session.Record{}, listing.translate(ctx, err))
			return
		}
		defer func() { end(cursor.Err()) }()
		defer s.closeCursor(ctx, cursor)
		for s.next(ctx, cursor) {
			// The cursor uses its memory again, and the caller may keep the record.
			r, err := decodeDocument(bson.Raw(bytes.Clone(cursor.Current)))
			endKnown := err == nil || !r.ExpiresAt.IsZero()
			switch {
			case r.ID == "": // not a session: no token has such an id
			case endKnown && expired(r, time.Now()):
			case !yield(r, listing.wrap(err)):
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(session.Record{}, listing.translate(ctx, err))
		}
	}
}

// next moves to the next document, for which it may ask the server.
func (s *Store) next(ctx context.Context, cursor *mongo.Cursor) bool {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return cursor.Next(limited)
}

// closeTime is how long a server may take to free its part of a list.
const closeTime = 500 * time.Millisecond

// closeCursor frees what the server holds for a list that was not read to its
// end. If the server failed, closeCursor does not wait for it: a server frees an
// unused cursor by itself after ten minutes.
func (s *Store) closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	limited, cancel := context.WithTimeout(ctx, min(closeTime, s.timeout))
	defer cancel()
	if cursor.Err() != nil {
		cancel() // the driver frees its own part all the same
	}
	_ = cursor.Close(limited)
}

// DeleteUser implements [session.UserStore] with one deleteMany. If its answer
// is lost, it is sent again; the number then lacks what the lost one deleted.
func (s *Store) DeleteUser(ctx context.Context, name, user, exceptID string) (n int64, err error) {
	if user == "" {
		return 0, s.ready(ctx, clearing)
	}
	err = s.perform(ctx, write{op: clearing, send: func(ctx context.Context) (applied bool, err error) {
		res, err := s.coll.DeleteMany(ctx, userFilter(name, user, exceptID))
		if res != nil {
			n += res.DeletedCount
		}
		return err == nil, err
	}})
	return n, err
}
