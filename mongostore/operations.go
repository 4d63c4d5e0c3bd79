package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/echosession/echosession/session"
)

var errClosed = fmt.Errorf("the store is closed: %w", session.ErrUnavailable)

// ready tells what keeps an operation from beginning.
func (s *Store) ready(ctx context.Context, op operation) error {
	if err := ctx.Err(); err != nil {
		return op.failed(ctx, err)
	}
	if s.closed.Load() {
		return op.is(errClosed)
	}
	return nil
}

func encodeID(id string) bson.Raw {
	d := newBuilder(16 + len(id))
	d.string(fieldID, id)
	return d.end()
}

// Load implements [session.Store]: one findOne by _id. What the document says
// of its end is compared with the clock of this machine; the server only
// collects.
func (s *Store) Load(ctx context.Context, id string) (session.Record, error) {
	if err := s.ready(ctx, loading); err != nil {
		return session.Record{}, err
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := s.find(limited, id)
	if err != nil {
		return r, loading.notLoaded(ctx, err)
	}
	if expired(r, time.Now()) {
		return session.Record{}, loading.is(session.ErrNotFound)
	}
	return r, nil
}

// find returns the record of id, expired or not, or what the driver or the
// decoder says: that with what can be read of one that is damaged.
func (s *Store) find(ctx context.Context, id string) (session.Record, error) {
	ctx, sess := s.causal.begin(ctx)
	raw, err := s.coll.FindOne(ctx, encodeID(id)).Raw()
	s.causal.end(sess, err)
	if err != nil {
		return session.Record{}, err
	}
	return decodeDocument(raw)
}

// notLoaded is the error of an operation for one of find.
func (op operation) notLoaded(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return op.is(session.ErrNotFound)
	case errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrCorrupt):
		return op.is(err)
	}
	return op.failed(ctx, err)
}

func expired(r session.Record, now time.Time) bool { return !r.ExpiresAt.After(now) }

// Create implements [session.Store]: one insertOne. The id of an expired
// document that the server did not collect yet is taken.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	doc := encodeDocument(r)
	if len(doc) > maxDocument {
		return creating.tooLarge(len(doc))
	}
	return s.write(ctx, write{
		op: creating, record: r, version: 1, refusal: session.ErrExists,
		send: func(ctx context.Context, _ bool) (refused bool, err error) {
			_, err = s.coll.InsertOne(ctx, doc)
			if isDuplicateID(err) {
				return true, nil
			}
			return false, err
		},
	})
}

// Update implements [session.Store]: one updateOne of exactly that version,
// never an upsert. Where a touch came in between, which leaves the version, it
// is refused first and then sent without the times that the touch moved. See
// [Store.write] for what happens where its outcome is not known.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	update := encodeUpdate(r, false)
	if len(update) > maxDocument {
		return updating.tooLarge(len(update))
	}
	return s.write(ctx, write{
		op: updating, record: r, version: r.Version + 1, refusal: session.ErrConflict, explain: true,
		send: func(ctx context.Context, touched bool) (refused bool, err error) {
			if touched {
				return missed(s.coll.UpdateOne(ctx, encodeFilter(r, time.Now()).end(), encodeUpdate(r, true)))
			}
			return missed(s.coll.UpdateOne(ctx, encodeUntouched(r, time.Now()), update))
		},
	})
}

// Touch implements [session.Store]: one updateOne with $max. Its outcome is not
// settled: a touch that is lost costs a little of the session's life.
func (s *Store) Touch(ctx context.Context, r session.Record) error {
	if err := s.ready(ctx, touching); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	now := time.Now()
	inSession, sess := s.causal.begin(limited)
	absent, err := missed(s.coll.UpdateOne(inSession, encodeFilter(r, now).end(), encodeTouch(r)))
	s.causal.end(sess, err)
	if err != nil {
		return touching.failed(ctx, err)
	}
	if !absent {
		return nil
	}
	stored, err := s.find(limited, r.ID)
	if err != nil {
		return touching.notLoaded(ctx, err)
	}
	if expired(stored, now) {
		return touching.is(session.ErrNotFound)
	}
	return touching.is(session.ErrConflict)
}

// missed reports whether an update met no document.
func missed(res *mongo.UpdateResult, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	return res.MatchedCount == 0, nil
}

// Delete implements [session.Store]: one deleteOne of exactly that version. A
// second command looks at the document, only if nothing was deleted.
func (s *Store) Delete(ctx context.Context, id string, version int64) error {
	d := newBuilder(48 + len(id))
	d.string(fieldID, id)
	if version != 0 {
		d.int64(fieldVersion, version)
	}
	filter := d.end()
	return s.write(ctx, write{
		op: deleting, record: session.Record{ID: id, Version: version}, refusal: session.ErrConflict, explain: true,
		send: func(ctx context.Context, _ bool) (refused bool, err error) {
			res, err := s.coll.DeleteOne(ctx, filter)
			if err != nil {
				return false, err
			}
			return res.DeletedCount == 0, nil
		},
	})
}

func (op operation) tooLarge(n int) error {
	return fmt.Errorf("mongostore: %s: %w: the document has %d bytes, MongoDB takes %d", op, session.ErrTooLarge, n, maxDocument)
}
