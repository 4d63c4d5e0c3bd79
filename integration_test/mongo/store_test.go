package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// Each operation is one command with the right concern. One that is refused asks
// why with a second command.
func TestCommands(t *testing.T) {
	db := newDatabase(t)
	var log commandLog
	coll := connect(t, options.Client().ApplyURI(db.uri).SetMonitor(log.monitor())).Database(db.Name()).Collection("sessions")
	s, err := mongostore.New(t.Context(), coll, mongostore.Options{})
	must(t, "New", err)
	log.take()

	ctx, r := t.Context(), newRecord("a", time.Hour)
	for _, op := range []struct {
		name, want string
		err        error
		do         func() error
	}{
		{"create", "insert", nil, func() error { return s.Create(ctx, r) }},
		{"create, refused", "insert", session.ErrExists, func() error { return s.Create(ctx, r) }},
		{"load", "find", nil, func() error { _, err := s.Load(ctx, "a"); return err }},
		{"touch", "update", nil, func() error {
			r.SeenAt, r.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
			return s.Touch(ctx, r)
		}},
		{"update", "update", nil, func() error { return s.Update(ctx, r) }},
		{"update, refused", "update find", session.ErrConflict, func() error { return s.Update(ctx, r) }},
		{"touch, refused", "update find", session.ErrConflict, func() error { return s.Touch(ctx, r) }},
		{"update after a touch", "update", nil, func() error {
			r.Version, r.SeenAt = 2, r.SeenAt.Add(-time.Hour)
			return s.Update(ctx, r)
		}},
		{"delete, refused", "delete find", session.ErrConflict, func() error { return s.Delete(ctx, "a", 2) }},
		{"delete", "delete", nil, func() error { return s.Delete(ctx, "a", 3) }},
		{"delete, absent", "delete find", session.ErrNotFound, func() error { return s.Delete(ctx, "a", 0) }},
		{"list of a user", "find", nil, func() error {
			for range s.ListUser(ctx, "sid", "u1") {
			}
			return nil
		}},
		{"delete of a user", "delete", nil, func() error { _, err := s.DeleteUser(ctx, "sid", "u1", ""); return err }},
	} {
		if err := op.do(); !errors.Is(err, op.err) || op.err == nil && err != nil {
			t.Errorf("%s: got error %v, want %v", op.name, err, op.err)
		}
		commands := log.take()
		if got := strings.Join(names(t, commands), " "); got != op.want {
			t.Errorf("%s: sent %q, want %q", op.name, got, op.want)
		}
		for _, c := range commands {
			checkConcern(t, op.name, c)
		}
	}
	figures.add("commands", "load 1, create 1, update 1 (also after a touch), touch 1, delete 1, user's list 1, log-out everywhere 1; failed: %t", t.Failed())
}

// checkConcern fails the test unless a write waits for a majority, not for the
// next periodic flush of the journal, and creates nothing.
func checkConcern(t *testing.T, name string, command bson.Raw) {
	t.Helper()
	want := `"majority"`
	if command.Lookup("find").Type != 0 {
		want = ""
	}
	if w := command.Lookup("writeConcern", "w").String(); w != want {
		t.Errorf("%s: write concern %s, want %s", name, w, want)
	}
	if j := command.Lookup("writeConcern", "j"); j.Type != 0 {
		t.Errorf("%s: the write concern says j: %v", name, j)
	}
	if strings.Contains(command.String(), "upsert") {
		t.Errorf("%s: is an upsert", name)
	}
}

// The server uses an index for every filter.
func TestExplain(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	for i := range 50 {
		r := newRecord(fmt.Sprint("id", i), time.Hour)
		r.User = fmt.Sprint("u", i%10)
		must(t, "Create", s.Create(t.Context(), r))
	}
	var plans []string
	for _, tt := range []struct {
		name   string
		filter bson.D
		want   []string
	}{
		{"load", bson.D{{Key: "_id", Value: "id1"}}, []string{"IDHACK", "EXPRESS_IXSCAN"}},
		{"update", bson.D{
			{Key: "_id", Value: "id1"}, {Key: "v", Value: int64(1)},
			{Key: "expires", Value: bson.D{{Key: "$gt", Value: time.Now()}}},
		}, []string{"IXSCAN"}},
		{"user", bson.D{{Key: "name", Value: "sid"}, {Key: "user", Value: "u1"}}, []string{"IXSCAN"}},
		{"others", bson.D{{Key: "name", Value: "sid"}, {Key: "user", Value: "u1"}, {Key: "_id", Value: bson.D{{Key: "$ne", Value: "id1"}}}}, []string{"IXSCAN"}},
	} {
		raw, err := db.RunCommand(t.Context(), bson.D{
			{Key: "explain", Value: bson.D{{Key: "find", Value: "sessions"}, {Key: "filter", Value: tt.filter}}},
			{Key: "verbosity", Value: "executionStats"},
		}).Raw()
		must(t, "explain", err)
		plan := raw.Lookup("queryPlanner", "winningPlan").String()
		found := ""
		for _, stage := range tt.want {
			if strings.Contains(plan, `"`+stage+`"`) {
				found = stage
			}
		}
		if found == "" || strings.Contains(plan, "COLLSCAN") {
			t.Errorf("%s: got the plan %s, want one of %v", tt.name, plan, tt.want)
		}
		examined, _ := raw.Lookup("executionStats", "totalDocsExamined").AsInt64OK()
		if most := int64(5); examined > most {
			t.Errorf("%s: looked at %d documents of 50, want at most %d", tt.name, examined, most)
		}
		plans = append(plans, fmt.Sprintf("%s %s (%d documents)", tt.name, found, examined))
	}
	figures.add("plans", "%s", strings.Join(plans, ", "))
}

// The size of a session, for docs/mongodb.md.
func TestSizes(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	const n = 2000
	for i := range n {
		r := newRecord(fmt.Sprintf("%022d", i*7919), time.Hour)
		r.User = fmt.Sprintf("user-%016d", i)
		r.Meta = make([]byte, 64)
		r.Data = []byte(`{"name":"A. Person","visits":12,"theme":"dark"}`)
		must(t, "Create", s.Create(t.Context(), r))
	}
	// The server knows the size of an index only after writing its file.
	admin(t, db.Client(), bson.D{{Key: "fsync", Value: 1}})
	raw, err := db.RunCommand(t.Context(), bson.D{{Key: "collStats", Value: "sessions"}}).Raw()
	must(t, "collStats", err)
	size, _ := raw.Lookup("size").AsInt64OK()
	var parts []string
	elements, _ := raw.Lookup("indexSizes").Document().Elements()
	for _, e := range elements {
		bytes, _ := e.Value().AsInt64OK()
		parts = append(parts, fmt.Sprintf("%s %d", e.Key(), bytes/n))
	}
	figures.add("bytes a session", "document %d, of which data 47 and meta 64; index entries: %s", size/n, strings.Join(parts, ", "))
}

// Every operation ends with the caller's deadline or the time-out of the store.
func TestDeadlines(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{Timeout: 300 * time.Millisecond})
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	p := newProxy(t, standalone(t))
	through := db
	through.uri = "mongodb://" + p.Listen + "/" + db.Name()
	s = through.open(t, mongostore.Options{Timeout: 300 * time.Millisecond})
	p.begin(swallow)
	defer p.end()
	for name, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"of the store": func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
		"of the caller": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		},
	} {
		for op, do := range map[string]func(context.Context) error{
			"Load":       func(ctx context.Context) error { _, err := s.Load(ctx, "a"); return err },
			"Create":     func(ctx context.Context) error { return s.Create(ctx, newRecord("b", time.Hour)) },
			"Update":     func(ctx context.Context) error { return s.Update(ctx, r) },
			"Touch":      func(ctx context.Context) error { return s.Touch(ctx, r) },
			"Delete":     func(ctx context.Context) error { return s.Delete(ctx, "a", 0) },
			"DeleteUser": func(ctx context.Context) error { _, err := s.DeleteUser(ctx, "sid", "u1", ""); return err },
			"ListUser": func(ctx context.Context) error {
				for _, err := range s.ListUser(ctx, "sid", "u1") {
					return err
				}
				return nil
			},
		} {
			limited, cancel := ctx()
			begin := time.Now()
			err := do(limited)
			cancel()
			if took := time.Since(begin); !errors.Is(err, session.ErrUnavailable) || took > 2*time.Second {
				t.Errorf("%s, deadline %s: got error %v after %v, want %v after at most 300ms", op, name, err, took, session.ErrUnavailable)
			}
		}
	}
}

// Leaving a list takes no time, even if the server no longer answers.
func TestLeavingAList(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	plain := db.open(t, mongostore.Options{})
	for i := range 150 { // more than one batch
		must(t, "Create", plain.Create(t.Context(), newRecord(fmt.Sprint(i), time.Hour)))
	}
	p := newProxy(t, standalone(t))
	through := db
	through.uri = "mongodb://" + p.Listen + "/" + db.Name()
	for name, tt := range map[string]struct {
		cancel, leave bool
		want          error
	}{
		"to the deadline":   {false, false, session.ErrUnavailable},
		"canceled":          {true, false, context.Canceled},
		"left":              {false, true, nil},
		"canceled and left": {true, true, nil},
	} {
		s := through.open(t, mongostore.Options{Timeout: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		var began time.Time
		var last error
		for _, err := range s.ListUser(ctx, "sid", "u1") {
			if began.IsZero() {
				began = time.Now()
				p.begin(swallow)
			}
			if last = err; tt.cancel {
				cancel()
			}
			if tt.leave {
				break
			}
		}
		if took := time.Since(began); took > 2*time.Second || !errors.Is(last, tt.want) {
			t.Errorf("%s: got error %v after %v, want %v after at most 300ms", name, last, took, tt.want)
		}
		cancel()
		p.end()
	}
}
