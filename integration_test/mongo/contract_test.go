package mongo_test

import (
	"context"
	"iter"
	"testing"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

// inFormat stores the records of the suite with another Format and with Data of
// that format. The suite gets back what it stored.
type inFormat struct {
	*mongostore.Store
	format string
}

// envelope holds the two fields that inFormat replaces.
type envelope struct {
	Format string
	Data   []byte
}

func (s inFormat) codec() session.Codec {
	if s.format == "bson" {
		return mongostore.BSON()
	}
	return session.JSON()
}

func (s inFormat) in(r session.Record) session.Record {
	data, err := s.codec().Marshal(&envelope{r.Format, r.Data})
	if err != nil {
		panic(err)
	}
	r.Format, r.Data = s.format, data
	return r
}

func (s inFormat) out(r session.Record) session.Record {
	var e envelope
	if err := s.codec().Unmarshal(r.Data, &e); err != nil {
		panic(err)
	}
	r.Format, r.Data = e.Format, e.Data
	return r
}

func (s inFormat) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if err != nil {
		return r, err
	}
	return s.out(r), nil
}

func (s inFormat) Create(ctx context.Context, r session.Record) error {
	return s.Store.Create(ctx, s.in(r))
}

func (s inFormat) Update(ctx context.Context, r session.Record) error {
	return s.Store.Update(ctx, s.in(r))
}

func (s inFormat) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for r, err := range s.Store.ListUser(ctx, name, user) {
			if err == nil {
				r = s.out(r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestContract(t *testing.T) {
	db := newDatabase(t)
	store := db.open(t, mongostore.Options{})
	for _, format := range []string{"json", "bson", "sealed", "as given"} {
		t.Run("format="+format, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) session.Store {
				if format == "as given" {
					return store
				}
				return inFormat{store, format}
			})
		})
	}
	figures.add("contract, standalone", "%d cases in 4 formats, failed: %t", len(storetest.Cases()), t.Failed())
}

func TestContractOfReplicaSet(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	s, _ := set.store(t, unique("contract"), mongostore.Options{})
	storetest.Run(t, func(t *testing.T) session.Store { return inFormat{s, "bson"} })
	figures.add("contract, replica set", "%d cases with BSON, failed: %t", len(storetest.Cases()), t.Failed())
}
