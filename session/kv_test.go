package session_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

// memoryKV is a simple KV. It ignores ctx, and it keeps every value until it is
// deleted, like a server whose clock is behind.
type memoryKV struct {
	mu     sync.Mutex
	values map[string][]byte
	ttls   map[string]time.Duration
	errs   map[string]error // of get, set and delete
	block  chan struct{}    // if not nil, Set waits until it is closed
}

func newMemoryKV() *memoryKV {
	return &memoryKV{values: map[string][]byte{}, ttls: map[string]time.Duration{}, errs: map[string]error{}}
}

func (kv *memoryKV) Get(_ context.Context, key string) ([]byte, error) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	value, ok := kv.values[key]
	if err := kv.errs["get"]; err != nil || ok {
		return value, err
	}
	return nil, session.ErrNotFound
}

func (kv *memoryKV) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	if kv.block != nil {
		<-kv.block
	}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if ttl <= 0 {
		panic("Set with a ttl that is not positive")
	}
	if kv.errs["set"] == nil {
		kv.values[key], kv.ttls[key] = value, ttl
	}
	return kv.errs["set"]
}

func (kv *memoryKV) Delete(_ context.Context, key string) error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if kv.errs["delete"] == nil {
		delete(kv.values, key)
	}
	return kv.errs["delete"]
}

// strictKV returns ErrNotFound from Delete if key is absent, and reports a
// status.
type strictKV struct{ *memoryKV }

func (kv strictKV) Delete(ctx context.Context, key string) error {
	if _, err := kv.Get(ctx, key); err != nil {
		return err
	}
	return kv.memoryKV.Delete(ctx, key)
}

func (strictKV) Watch(f func(session.Status)) (stop func()) {
	f(session.StatusDisconnected)
	return func() {}
}

// kvRecord returns a record that ends after life. Its id is "an-id".
func kvRecord(life time.Duration) session.Record {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return session.Record{
		ID: "an-id", Name: "sid", User: "ann", Version: 1, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(life),
		Format: "json", Meta: []byte{1, 2, 3}, Data: []byte(`{"n":1}`),
	}
}

// kvOperations calls each method of a Store with a record.
var kvOperations = map[string]func(ctx context.Context, s session.Store, r session.Record) error{
	"load": func(ctx context.Context, s session.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	},
	"create": func(ctx context.Context, s session.Store, r session.Record) error { return s.Create(ctx, r) },
	"update": func(ctx context.Context, s session.Store, r session.Record) error { return s.Update(ctx, r) },
	"touch":  func(ctx context.Context, s session.Store, r session.Record) error { return s.Touch(ctx, r) },
	"delete": func(ctx context.Context, s session.Store, r session.Record) error {
		return s.Delete(ctx, r.ID, r.Version)
	},
}

func TestFromKV(t *testing.T) {
	t.Parallel()
	for name, newKV := range map[string]func() session.KV{
		"plain":       func() session.KV { return newMemoryKV() },
		"with status": func() session.KV { return strictKV{newMemoryKV()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) session.Store { return session.FromKV(newKV()) })
		})
	}
}

func TestFromKVPassesStatusOn(t *testing.T) {
	t.Parallel()
	if _, ok := session.FromKV(newMemoryKV()).(session.StatusStore); ok {
		t.Error("FromKV of a KV without a status: got a StatusStore, want none")
	}
	s, ok := session.FromKV(strictKV{newMemoryKV()}).(session.StatusStore)
	if !ok {
		t.Fatal("FromKV of a KV with a status: got no StatusStore, want one")
	}
	status := session.StatusConnected
	s.Watch(func(s session.Status) { status = s })()
	if status != session.StatusDisconnected {
		t.Errorf("status: got %v, want %v", status, session.StatusDisconnected)
	}
}

// An operator can read the value. Its ttl is the time until the record expires.
func TestFromKVStoresAReadableObject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := newMemoryKV()
		s := session.FromKV(kv)
		r := kvRecord(time.Hour)
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		const want = `{"id":"an-id","name":"sid","user":"ann","version":1,"created":"2000-01-01T00:00:00Z",` +
			`"seen":"2000-01-01T00:00:00Z","expires":"2000-01-01T01:00:00Z","format":"json","meta":"AQID","data":"{\"n\":1}"}`
		if got := string(kv.values[r.ID]); got != want {
			t.Errorf("value: got %s, want %s", got, want)
		}
		wantTTL := func(after string, want time.Duration) {
			t.Helper()
			if got := kv.ttls[r.ID]; got != want {
				t.Errorf("ttl after %s: got %v, want %v", after, got, want)
			}
		}
		wantTTL("Create", time.Hour)
		time.Sleep(10 * time.Minute)
		if err := s.Touch(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wantTTL("Touch that moves nothing, and so sets nothing", time.Hour)
		r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
		if err := s.Touch(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wantTTL("Touch", 51*time.Minute)
		if err := s.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wantTTL("Update", 51*time.Minute)
	})
}

// A record that has expired is absent, even if the KV still has its value.
func TestFromKVExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := session.FromKV(newMemoryKV())
		if err := s.Create(t.Context(), kvRecord(time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if _, err := s.Load(t.Context(), "an-id"); err != nil {
			t.Errorf("Load before the end: got error %v, want none", err)
		}
		time.Sleep(time.Nanosecond)
		for _, op := range []string{"load", "update", "touch", "delete"} {
			if err := kvOperations[op](t.Context(), s, kvRecord(time.Hour)); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s at the end: got error %v, want %v", op, err, session.ErrNotFound)
			}
		}
		if err := s.Create(t.Context(), kvRecord(time.Hour)); err != nil {
			t.Errorf("Create at the end: got error %v, want none", err)
		}
	})
}

// An Update to an end in the past deletes the value, since no ttl is left.
func TestFromKVDeletesWhatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := newMemoryKV()
		s := session.FromKV(kv)
		if err := s.Create(t.Context(), kvRecord(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), kvRecord(0)); err != nil {
			t.Fatal(err)
		}
		if len(kv.values) != 0 {
			t.Errorf("values: got %q, want none", kv.values)
		}
	})
}

func TestFromKVDelete(t *testing.T) {
	t.Parallel()
	const stored, corrupt = "stored", "corrupt"
	for _, test := range []struct {
		name    string
		value   string // what the KV has: a record of version 2, or a corrupt value
		version int64
		kvErr   error // of KV.Delete
		want    error
		kept    bool // the value is still there
	}{
		{"any version", stored, 0, nil, nil, false},
		{"its version", stored, 2, nil, nil, false},
		{"an older version", stored, 1, nil, session.ErrConflict, true},
		{"a newer version", stored, 3, nil, session.ErrConflict, true},
		{"corrupt, any version", corrupt, 0, nil, nil, false},
		{"corrupt, one version", corrupt, 2, nil, session.ErrCorrupt, true},
		{"absent, any version", "", 0, nil, session.ErrNotFound, false},
		{"absent, one version", "", 2, nil, session.ErrNotFound, false},
		// Another process has deleted the value after Get.
		{"gone after Get", stored, 2, session.ErrNotFound, session.ErrNotFound, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kv := newMemoryKV()
			s := session.FromKV(kv)
			switch test.value {
			case stored:
				if err := errors.Join(s.Create(t.Context(), kvRecord(time.Hour)), s.Update(t.Context(), kvRecord(time.Hour))); err != nil {
					t.Fatal(err)
				}
			case corrupt:
				kv.values["an-id"] = []byte("not JSON")
			}
			kv.errs["delete"] = test.kvErr
			if err := s.Delete(t.Context(), "an-id", test.version); !errors.Is(err, test.want) {
				t.Errorf("Delete: got error %v, want %v", err, test.want)
			}
			if _, kept := kv.values["an-id"]; kept != test.kept {
				t.Errorf("value is kept: got %t, want %t", kept, test.kept)
			}
		})
	}
}

func TestFromKVLosesNoByte(t *testing.T) {
	t.Parallel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, data := range []string{
		string(all), "\xff", "base64:", "base64:AAAA", "base64:\xff", "base64", "text", "\x00", "\u2028\ufffd", `\u0041"`,
	} {
		s := session.FromKV(newMemoryKV())
		r := kvRecord(time.Hour)
		r.Name, r.User, r.Format, r.Meta, r.Data = data, data, data, []byte(data), []byte(data)
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatalf("Create with %q: got error %v, want none", data, err)
		}
		got, err := s.Load(t.Context(), r.ID)
		if err != nil {
			t.Fatalf("Load with %q: got error %v, want none", data, err)
		}
		if got.Name != data || got.User != data || got.Format != data || !bytes.Equal(got.Meta, r.Meta) || !bytes.Equal(got.Data, r.Data) {
			t.Errorf("Load: got %+v, want %+v", got, r)
		}
	}
}

// A corrupt value is left as it is, and no error quotes it.
func TestFromKVCorrupt(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-in-the-value"
	for name, value := range map[string]string{
		"empty":                 "",
		"not JSON":              secret,
		"null":                  "null",
		"array":                 "[]",
		"no fields":             "{}",
		"truncated":             `{"id":"an-id","name":"` + secret,
		"another id":            `{"id":"other","version":1,"expires":"9000-01-01T00:00:00Z"}`,
		"no version":            `{"id":"an-id","expires":"9000-01-01T00:00:00Z"}`,
		"version 0":             `{"id":"an-id","version":0,"expires":"9000-01-01T00:00:00Z"}`,
		"no end":                `{"id":"an-id","version":1}`,
		"version is text":       `{"id":"an-id","version":"` + secret + `","expires":"9000-01-01T00:00:00Z"}`,
		"end is no time":        `{"id":"an-id","version":1,"expires":"` + secret + `"}`,
		"data is not base64":    `{"id":"an-id","version":1,"expires":"9000-01-01T00:00:00Z","data":"base64:` + secret + `"}`,
		"meta is not base64":    `{"id":"an-id","version":1,"expires":"9000-01-01T00:00:00Z","meta":"` + secret + `"}`,
		"format of another app": "\x0d\xff\x81gob",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := newMemoryKV()
			kv.values["an-id"] = []byte(value)
			s := session.FromKV(kv)
			for op, operation := range kvOperations {
				err := operation(t.Context(), s, kvRecord(time.Hour))
				if !errors.Is(err, session.ErrCorrupt) || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), secret) {
					t.Errorf("%s: got error %v, want %v without the value", op, err, session.ErrCorrupt)
				}
			}
			if got := string(kv.values["an-id"]); got != value {
				t.Errorf("value: got %q, want it to stay %q", got, value)
			}
			if err := s.Delete(t.Context(), "an-id", 0); err != nil || len(kv.values) != 0 {
				t.Errorf("Delete of any version: got error %v and values %q, want neither", err, kv.values)
			}
		})
	}
}

// A value needs an id, a version and an end. Unknown fields are ignored.
func TestFromKVMinimal(t *testing.T) {
	t.Parallel()
	kv := newMemoryKV()
	kv.values["an-id"] = []byte(`{"id":"an-id","version":1,"expires":"9000-01-01T00:00:00Z","later":"field"}`)
	if _, err := session.FromKV(kv).Load(t.Context(), "an-id"); err != nil {
		t.Errorf("Load: got error %v, want none", err)
	}
}

func TestFromKVPassesErrorsOn(t *testing.T) {
	t.Parallel()
	outage := errors.New("connection refused")
	for _, test := range []struct {
		of, op string
	}{
		{"get", "load"}, {"get", "create"}, {"get", "update"}, {"get", "touch"}, {"get", "delete"},
		{"set", "create"}, {"set", "update"}, {"set", "touch"}, {"delete", "delete"},
	} {
		t.Run(test.of+" in "+test.op, func(t *testing.T) {
			t.Parallel()
			kv := newMemoryKV()
			s := session.FromKV(kv)
			if test.op != "create" {
				if err := s.Create(t.Context(), kvRecord(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			kv.errs[test.of] = outage
			for range 2 { // the second call finds no lock that the first one left
				err := kvOperations[test.op](t.Context(), s, kvRecord(2*time.Hour))
				if !errors.Is(err, outage) || !strings.HasPrefix(err.Error(), "session: kv: "+test.op+": ") {
					t.Errorf("%s: got error %v, want %v after the operation", test.op, err, outage)
				}
			}
		})
	}
}

// A record that cannot be encoded is an error, and nothing is stored.
func TestFromKVCannotEncode(t *testing.T) {
	t.Parallel()
	kv := newMemoryKV()
	r := kvRecord(time.Hour)
	r.CreatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := session.FromKV(kv).Create(t.Context(), r); err == nil || len(kv.values) != 0 {
		t.Errorf("Create: got error %v and values %q, want an error and no values", err, kv.values)
	}
}

// A writer that waits for another writer of the key stops when its context is
// canceled.
func TestFromKVWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := newMemoryKV()
		kv.block = make(chan struct{})
		s := session.FromKV(kv)
		first := make(chan error)
		go func() { first <- s.Create(context.Background(), kvRecord(time.Hour)) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		second := make(chan error)
		go func() { second <- s.Delete(ctx, "an-id", 0) }()
		synctest.Wait()
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "session: kv: delete: ") {
			t.Errorf("Delete: got error %v, want %v after the operation", err, context.Canceled)
		}
		close(kv.block)
		if err := <-first; err != nil {
			t.Errorf("Create: got error %v, want none", err)
		}
		if err := s.Delete(t.Context(), "an-id", 0); err != nil || len(kv.values) != 0 {
			t.Errorf("Delete: got error %v and values %q, want neither", err, kv.values)
		}
	})
}
