package mongo_test

import (
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/echosession/echosession/mongostore"
)

// rounds is how often each side of a comparison is measured. They take turns, so
// that both see the same load of the machine.
const rounds = 300

// maxAllocs is how many allocations the store may add to the bare driver's.
const maxAllocs = 15

// The store against the bare driver, with the same document, deadline and write
// concern. Times are printed and not checked, because the machine may be busy.
func TestOverhead(t *testing.T) {
	t.Run("standalone", func(t *testing.T) {
		db := newDatabase(t)
		beside(t, db.open(t, mongostore.Options{}), db.sessions())
	})
	t.Run("replica set", func(t *testing.T) {
		set := replicaSet(t)
		set.healthy(t)
		s, coll := set.store(t, unique("overhead"), mongostore.Options{})
		beside(t, s, coll)
	})
}

func beside(t *testing.T, s *mongostore.Store, coll *mongo.Collection) {
	t.Helper()
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	bare := coll.Database().Collection("bare", options.Collection().SetWriteConcern(writeconcern.Majority()))
	_, err := bare.InsertOne(t.Context(), mustRaw(t, coll, "a"))
	must(t, "insert", err)

	limited := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 10*time.Second)
	}
	var version int64 = 1
	for _, tt := range []struct {
		name         string
		store, plain func() error
	}{
		{"load / FindOne", func() error { _, err := s.Load(context.Background(), "a"); return err }, func() error {
			ctx, cancel := limited()
			defer cancel()
			_, err := bare.FindOne(ctx, bson.D{{Key: "_id", Value: "a"}}).Raw()
			return err
		}},
		{"update / UpdateOne", func() error {
			r.Version = version
			version++
			return s.Update(context.Background(), r)
		}, func() error {
			ctx, cancel := limited()
			defer cancel()
			_, err := bare.UpdateOne(ctx, bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: bson.D{{Key: "$gt", Value: 0}}}}, bson.D{
				{Key: "$set", Value: bson.D{
					{Key: "name", Value: r.Name}, {Key: "user", Value: r.User}, {Key: "created", Value: r.CreatedAt}, {Key: "seen", Value: r.SeenAt},
					{Key: "expires", Value: r.ExpiresAt}, {Key: "format", Value: r.Format}, {Key: "meta", Value: r.Meta}, {Key: "data", Value: string(r.Data)},
				}},
				{Key: "$inc", Value: bson.D{{Key: "v", Value: int64(1)}}},
			})
			return err
		}},
	} {
		var store, plain []time.Duration
		measure := func(to *[]time.Duration, do func() error) {
			begin := time.Now()
			must(t, tt.name, do())
			*to = append(*to, time.Since(begin))
		}
		for range rounds {
			measure(&store, tt.store)
			measure(&plain, tt.plain)
		}
		slices.Sort(store)
		slices.Sort(plain)
		a, b := store[rounds/2], plain[rounds/2]
		allocs := allocations(t, tt.store) - allocations(t, tt.plain)
		if allocs > maxAllocs {
			t.Errorf("%s: %v allocations more than the bare driver, want at most %d", tt.name, allocs, maxAllocs)
		}
		figures.add("against the bare driver, "+path.Base(t.Name()), "%s: median %v / %v = %s, allocations %+.0f", tt.name,
			a.Round(time.Microsecond), b.Round(time.Microsecond), fmt.Sprintf("%.2f", float64(a)/float64(b)), allocs)
	}
}

// allocations returns how many allocations do makes. Goroutines of the driver that
// watch the servers allocate at the same time, so the least of many counts of one
// call is the right one.
func allocations(t *testing.T, do func() error) float64 {
	t.Helper()
	least := math.Inf(1)
	for range 60 {
		least = min(least, testing.AllocsPerRun(1, func() { must(t, "counting allocations", do()) }))
	}
	return least
}

func mustRaw(t *testing.T, coll *mongo.Collection, id string) bson.Raw {
	t.Helper()
	raw, err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()
	must(t, "find", err)
	return raw
}
