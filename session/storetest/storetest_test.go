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
	"time"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

var cases = storetest.Cases()

func caseNamed(t *testing.T, name string) storetest.Case {
	t.Helper()
	i := slices.IndexFunc(cases, func(c storetest.Case) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("got no case %q", name)
	}
	return cases[i]
}

// recorder is a T that keeps the failures.
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

// skipper is a recorder that can skip, like a [*testing.T].
type skipper struct {
	recorder
	reason string
}

func (s *skipper) Skip(args ...any) {
	s.reason = fmt.Sprint(args...)
	runtime.Goexit()
}

// runCase runs the case on a goroutine that the case may end.
func runCase(c storetest.Case, t storetest.T, s session.Store) {
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(t, s) })
	wg.Wait()
}

func TestReference(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return newReference() })
}

func TestReferenceWithoutAbilities(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) session.Store { return bare{newReference()} })
}

// A case about an ability is skipped if the store lacks it, and gives the
// reason. All other cases run.
func TestCasesAreSkipped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		store session.Store
		lacks []string
	}{
		"no ability": {bare{newReference()}, []string{"session.UserStore", "session.StatusStore"}},
		"no status": {struct {
			session.Store
			session.UserStore
		}{newReference(), newReference()}, []string{"session.StatusStore"}},
		"no users": {struct {
			session.Store
			session.StatusStore
		}{newReference(), newReference()}, []string{"session.UserStore"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range cases {
				want := ""
				if ability := abilityOf(c); slices.Contains(test.lacks, ability) {
					want = "the store does not implement " + ability
				}
				s := &skipper{recorder: recorder{ctx: t.Context()}}
				runCase(c, s, test.store)
				if s.reason != want {
					t.Errorf("%s: got skip reason %q, want %q", c.Name, s.reason, want)
				}
			}
		})
	}
}

// abilityOf returns the interface that a store needs for the case.
func abilityOf(c storetest.Case) string {
	switch {
	case strings.HasPrefix(c.Name, "Watch/"):
		return "session.StatusStore"
	case strings.Contains(c.Name, "ListUser"), strings.Contains(c.Name, "DeleteUser"):
		return "session.UserStore"
	}
	return ""
}

// With a T that cannot skip, a case about an ability that the store lacks
// passes.
func TestCasesPassWithoutSkip(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		if abilityOf(c) == "" {
			continue
		}
		r := &recorder{ctx: t.Context()}
		runCase(c, r, bare{newReference()})
		if len(r.messages) > 0 {
			t.Errorf("%s: got failures %q, want none", c.Name, r.messages)
		}
	}
}

// Each fault fails its cases, and each message quotes the clause.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range f.fails {
				c := caseNamed(t, name)
				// In a bubble, the goroutines of a case run in the same order every time.
				synctest.Test(t, func(t *testing.T) {
					r, b := &recorder{ctx: t.Context()}, &broken{reference: newReference()}
					f.make(b.reference, b)
					runCase(c, r, b)
					if len(r.messages) == 0 {
						t.Errorf("case %q passed, want it to fail", name)
					}
					for _, m := range r.messages {
						if !strings.Contains(m, c.Clause) || strings.Contains(m, "%!") {
							t.Errorf("%s: got message %q, want it well formed and with the clause %q", name, m, c.Clause)
						}
					}
				})
			}
		})
	}
}

// A case that no broken store fails may be unable to fail.
func TestEveryCaseCanFail(t *testing.T) {
	t.Parallel()
	failed := map[string]bool{}
	for _, f := range faults {
		for _, name := range f.fails {
			failed[name] = true
		}
	}
	for _, c := range cases {
		if !failed[c.Name] {
			t.Errorf("got no broken store that fails %q, want at least one", c.Name)
		}
	}
}

// A message shows the difference between two times, even if they are the same
// instant and have the same text.
func TestMessagesShowTimes(t *testing.T) {
	t.Parallel()
	const otherLocation = "SeenAt: got a time in the location %q, want it in time.UTC"
	for name, test := range map[string]struct {
		location string // "": time.UTC
		later    time.Duration
	}{
		"location":                    {"elsewhere", 0},
		"location with the same text": {"UTC", 0},
		"instant":                     {"", time.Millisecond},
		"both":                        {"elsewhere", time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref, r := newReference(), &recorder{ctx: t.Context()}
			var want []string
			runCase(caseNamed(t, "Load/every field"), r, &broken{
				reference: ref,
				load: func(ctx context.Context, id string) (session.Record, error) {
					r, err := ref.Load(ctx, id)
					stored := r.SeenAt
					if test.later != 0 {
						r.SeenAt = stored.Add(test.later)
						want = append(want, fmt.Sprintf("SeenAt: got %v, want %v", r.SeenAt, stored))
					}
					if test.location != "" {
						r.SeenAt = r.SeenAt.In(time.FixedZone(test.location, 0))
						want = append(want, fmt.Sprintf(otherLocation, test.location))
					}
					return r, err
				},
			})
			if len(r.messages) != len(want) {
				t.Fatalf("got messages %q, want %q", r.messages, want)
			}
			for i := range want {
				if !strings.Contains(r.messages[i], want[i]) {
					t.Errorf("got message %q, want it to contain %q", r.messages[i], want[i])
				}
			}
		})
	}
}

// The records of a case have no zero field and no value in common. So a field
// that a store drops, takes from another record or does not update is noticed.
func TestEveryFieldIsFilled(t *testing.T) {
	t.Parallel()
	var seen []session.Record
	ref := newReference()
	caseNamed(t, "Update/every field").Run(t, &broken{
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
	if len(seen) < 2 {
		t.Fatalf("got %d records, want at least 2", len(seen))
	}
	a, b := reflect.ValueOf(seen[0]), reflect.ValueOf(seen[1])
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		if a.Field(i).IsZero() || b.Field(i).IsZero() {
			t.Errorf("%s: got %v and %v, want neither to be zero", name, a.Field(i), b.Field(i))
		}
		if same := reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()); same != (name == "ID") && name != "Version" {
			t.Errorf("%s: got %v and %v, want only the ID to be equal", name, a.Field(i), b.Field(i))
		}
	}
}

func TestCasesAreNamed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range cases {
		if op, subject, ok := strings.Cut(c.Name, "/"); !ok || op == "" || subject == "" || seen[c.Name] {
			t.Errorf("got name %q, want a unique one of the form operation/subject", c.Name)
		}
		seen[c.Name] = true
	}
}

// Each clause is quoted from the comments of package session. So a comment
// cannot change without a look at its cases.
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
	for _, c := range cases {
		if !strings.Contains(comments.String(), c.Clause) {
			t.Errorf("%s: got clause %q, which is in no comment of package session", c.Name, c.Clause)
		}
	}
}
