package storetest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

func TestReference(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return newReference() })
}

func TestReferenceWithoutAbilities(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return plain{newReference()} })
}

func TestReferenceWithStatus(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return watched{newReference()} })
}

// Every fault is noticed by the cases that are about it, and the message says
// which clause that is.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			failsCases(t, f.fails, func() session.Store {
				b := &broken{reference: newReference()}
				f.make(b.reference, b)
				return b
			})
		})
	}
}

var statusFaults = map[string]struct {
	fails string
	make  func() session.Store
}{
	"does not call at once":    {"Watch/at once", func() session.Store { return silent{newReference()} }},
	"an unknown status":        {"Watch/at once", func() session.Store { return strange{newReference()} }},
	"one watcher at a time":    {"Watch/several", func() session.Store { singleTaken.Store(false); return single{newReference()} }},
	"goes on calling for ever": {"Watch/stop", func() session.Store { return &unending{reference: newReference()} }},
}

func TestBrokenStatusStores(t *testing.T) {
	t.Parallel()
	for name, f := range statusFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failsCases(t, []string{f.fails}, f.make)
		})
	}
}

// failsCases runs each case in a bubble of its own, in which what a broken
// store does in the wrong order it does so every time.
func failsCases(t *testing.T, names []string, newStore func() session.Store) {
	t.Helper()
	for _, name := range names {
		i := slices.IndexFunc(cases, func(c storetest.Case) bool { return c.Name == name })
		if i < 0 {
			t.Fatalf("there is no case %q", name)
		}
		synctest.Test(t, func(t *testing.T) {
			messages := run(t, cases[i], newStore())
			if len(messages) == 0 {
				t.Errorf("case %q passed, want it to fail", name)
			}
			for _, m := range messages {
				if !strings.Contains(m, cases[i].Clause) || strings.Contains(m, "%!") {
					t.Errorf("%s: message %q, want it to be well formed and to quote %q", name, m, cases[i].Clause)
				}
			}
		})
	}
}

var cases = storetest.Cases()

// recorder is a T that keeps what was reported.
type recorder struct {
	mu       sync.Mutex
	ctx      context.Context
	messages []string
}

func (*recorder) Helper()                    {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func run(t *testing.T, c storetest.Case, s session.Store) []string {
	r := &recorder{ctx: t.Context()}
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(r, s) })
	wg.Wait()
	return r.messages
}

// The records of the cases leave no field at its zero value, and no two of
// them have a value in common, so that a field that is dropped, taken from
// another or left as it was is seen.
func TestEveryFieldIsFilled(t *testing.T) {
	t.Parallel()
	for _, c := range storetest.Cases() {
		if c.Name != "Update/every field" {
			continue
		}
		var seen []session.Record
		ref := newReference()
		c.Run(t, &broken{
			reference: ref,
			create: func(ctx context.Context, r session.Record) error {
				seen = append(seen, r)
				return ref.Create(ctx, r)
			},
			update: func(ctx context.Context, r session.Record) error {
				seen = append(seen, r)
				return ref.Update(ctx, r)
			},
		})
		if len(seen) != 2 {
			t.Fatalf("got %d records, want 2", len(seen))
		}
		a, b := reflect.ValueOf(seen[0]), reflect.ValueOf(seen[1])
		for i := range a.NumField() {
			name := a.Type().Field(i).Name
			if a.Field(i).IsZero() || b.Field(i).IsZero() {
				t.Errorf("%s is zero", name)
			}
			if same := reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()); same != (name == "ID") && name != "Version" {
				t.Errorf("%s: got %v and %v, want both to differ but for the ID", name, a.Field(i), b.Field(i))
			}
		}
		return
	}
	t.Error("no case was found")
}

// A case that no broken store fails may be one that cannot fail.
func TestEveryCaseCanFail(t *testing.T) {
	t.Parallel()
	failed := map[string]bool{}
	for _, f := range faults {
		for _, name := range f.fails {
			failed[name] = true
		}
	}
	for _, f := range statusFaults {
		failed[f.fails] = true
	}
	for _, c := range cases {
		if !failed[c.Name] {
			t.Errorf("no broken store is known to fail %q", c.Name)
		}
	}
}

func TestCasesAreNamed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range storetest.Cases() {
		if op, what, ok := strings.Cut(c.Name, "/"); !ok || op == "" || what == "" || seen[c.Name] {
			t.Errorf("name %q, want a unique one of the form Operation/what", c.Name)
		}
		seen[c.Name] = true
	}
}

// A clause is quoted from the comments of package session: whoever rewords one
// there has to look at its cases.
func TestClausesAreQuoted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var comments strings.Builder
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(src)) {
			if _, comment, ok := strings.Cut(line, "// "); ok {
				comments.WriteString(strings.TrimSpace(comment) + " ")
			}
		}
	}
	for _, c := range storetest.Cases() {
		if !strings.Contains(comments.String(), c.Clause) {
			t.Errorf("%s: clause %q is not in the contract", c.Name, c.Clause)
		}
	}
}
