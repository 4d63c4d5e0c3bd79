package adapter_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/internal/adapter"
)

type key struct{}

// commitOf is the context of a commit for a request that has a value, and has
// been canceled since.
func commitOf(t *testing.T) *adapter.CommitContext {
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel()
	c := new(adapter.CommitContext)
	c.Init(ctx)
	return c
}

func TestCommitContextHasTheValuesOfTheRequest(t *testing.T) {
	t.Parallel()
	c := commitOf(t)
	defer c.Release()
	for _, when := range []string{"before", "after"} {
		if got := c.Value(key{}); got != "value" {
			t.Errorf("%s it was asked for its end the value is %v, expected that of the request", when, got)
		}
		if got := c.Value("unknown"); got != nil {
			t.Errorf("%s it was asked for its end an unknown key has the value %v, expected none", when, got)
		}
		c.Done()
	}
}

func TestCommitContextOutlivesTheRequest(t *testing.T) {
	t.Parallel()
	c := commitOf(t)
	defer c.Release()
	if err := c.Err(); err != nil {
		t.Errorf("Err is %v though only the request was canceled, expected nil", err)
	}
	if err := context.Cause(c); err != nil {
		t.Errorf("the cause is %v though only the request was canceled, expected nil", err)
	}
	select {
	case <-c.Done():
		t.Error("it is done though only the request was canceled")
	default:
	}
	if err := c.Err(); err != nil {
		t.Errorf("Err is %v after Done was asked for, expected nil", err)
	}
}

func TestCommitContextEndsInTime(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(*adapter.CommitContext){
		"Done":     func(c *adapter.CommitContext) { c.Done() },
		"Deadline": func(c *adapter.CommitContext) { c.Deadline() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := commitOf(t)
				defer c.Release()
				time.Sleep(time.Hour) // it does not count before that
				ask(c)
				asked := time.Now()
				if deadline, ok := c.Deadline(); !ok || deadline.Sub(asked) != adapter.CommitTimeout {
					t.Errorf("the deadline is %v after it was asked for, %t, expected %v", deadline.Sub(asked), ok, adapter.CommitTimeout)
				}
				<-c.Done()
				if took := time.Since(asked); took != adapter.CommitTimeout {
					t.Errorf("it ended after %v, expected %v", took, adapter.CommitTimeout)
				}
				if err := c.Err(); err != context.DeadlineExceeded {
					t.Errorf("Err is %v, expected DeadlineExceeded", err)
				}
				if err := context.Cause(c); err != context.DeadlineExceeded {
					t.Errorf("the cause is %v, expected DeadlineExceeded", err)
				}
			})
		})
	}
	if adapter.CommitTimeout != 10*time.Second {
		t.Errorf("CommitTimeout is %v, expected 10s", adapter.CommitTimeout)
	}
}

func TestCommitContextReleased(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(*adapter.CommitContext){
		"never asked":     func(*adapter.CommitContext) {},
		"asked":           func(c *adapter.CommitContext) { c.Done() },
		"released before": func(c *adapter.CommitContext) { c.Done(); c.Release() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := commitOf(t)
				ask(c)
				derived, cancel := context.WithCancel(c)
				defer cancel()
				begun := time.Now()
				c.Release()
				if err := c.Err(); err != context.Canceled {
					t.Errorf("Err after Release is %v, expected Canceled", err)
				}
				<-c.Done()
				<-derived.Done()
				if err := derived.Err(); err != context.Canceled {
					t.Errorf("Err of a derived context after Release is %v, expected Canceled", err)
				}
				late, cancelLate := context.WithCancel(c)
				defer cancelLate()
				<-late.Done()
				if err := context.Cause(c); err != context.Canceled {
					t.Errorf("the cause after Release is %v, expected Canceled", err)
				}
				if took := time.Since(begun); took != 0 {
					t.Errorf("they ended %v after Release, expected at once", took)
				}
				if got := c.Value(key{}); got != "value" {
					t.Errorf("the value after Release is %v, expected that of the request", got)
				}
			})
		})
	}
}

// One context is enough for two commits, unless a store has asked for its end.
func TestCommitContextOfTheNextCommit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ask   func(*adapter.CommitContext)
		again bool // the same one
	}{
		"never asked": {func(*adapter.CommitContext) {}, true},
		"only looked": {func(c *adapter.CommitContext) { _, _ = c.Err(), c.Value(key{}) }, true},
		"asked":       {func(c *adapter.CommitContext) { c.Done() }, false},
		"a deadline":  {func(c *adapter.CommitContext) { _, _ = c.Deadline() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := new(adapter.CommitContext)
				first.Init(context.WithValue(t.Context(), key{}, "value"))
				tt.ask(first)
				time.Sleep(adapter.CommitTimeout - time.Second)
				first.Pause()
				if ended := first.Err() != nil; ended == tt.again {
					t.Errorf("the first context ended: %t, expected %t", ended, !tt.again)
				}
				next := first.Next(context.WithValue(t.Context(), key{}, "value"))
				if same := next == first; same != tt.again {
					t.Errorf("the next context is the same: %t, expected %t", same, tt.again)
				}
				if got := next.Value(key{}); got != "value" || next.Err() != nil {
					t.Errorf("the next context has the value %v and the error %v, expected the request's and none", got, next.Err())
				}
				if deadline, ok := next.Deadline(); !ok || time.Until(deadline) != adapter.CommitTimeout {
					t.Errorf("the next context ends in %v, %t, expected %v", time.Until(deadline), ok, adapter.CommitTimeout)
				}
				next.Release()
				for _, c := range []*adapter.CommitContext{first, next} {
					if err := c.Err(); err != context.Canceled {
						t.Errorf("Err after Release is %v, expected Canceled", err)
					}
				}
			})
		})
	}
	t.Run("without a first commit", func(t *testing.T) {
		t.Parallel()
		c := new(adapter.CommitContext)
		if next := c.Next(context.WithValue(t.Context(), key{}, "value")); next != c || next.Value(key{}) != "value" {
			t.Errorf("the next context is %p with the value %v, expected %p with the request's", next, next.Value(key{}), c)
		}
		c.Release()
	})
}

// A context derived from it costs no goroutine: in a bubble one that is left
// would be a deadlock.
func TestCommitContextIsTheParentOfOthers(t *testing.T) {
	t.Parallel()
	var left context.CancelFunc // never called, as by a caller who forgot it
	synctest.Test(t, func(t *testing.T) {
		c := commitOf(t)
		var derived, timed context.Context
		derived, left = context.WithCancel(c)
		timed, left = context.WithTimeout(derived, time.Hour)
		if deadline, ok := timed.Deadline(); !ok || time.Until(deadline) != adapter.CommitTimeout {
			t.Errorf("the derived deadline is in %v, %t, expected %v", time.Until(deadline), ok, adapter.CommitTimeout)
		}
		if got := timed.Value(key{}); got != "value" {
			t.Errorf("the derived value is %v, expected that of the request", got)
		}
		synctest.Wait()
	})
	_ = left
	synctest.Test(t, func(t *testing.T) {
		c := commitOf(t)
		defer c.Release()
		derived, cancel := context.WithTimeout(c, time.Hour)
		defer cancel()
		<-derived.Done()
		if err := derived.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Err of a derived context is %v, expected DeadlineExceeded", err)
		}
	})
}

func TestCommitContextOfSeveralGoroutines(t *testing.T) {
	t.Parallel()
	c := commitOf(t)
	var wait sync.WaitGroup
	ends := make([]<-chan struct{}, 8)
	for i := range ends {
		wait.Go(func() {
			_, _ = c.Deadline()
			_ = c.Value(key{})
			ends[i] = c.Done()
			_ = c.Err()
			if i%2 == 0 {
				c.Release()
			}
			<-c.Done()
		})
	}
	wait.Wait()
	for i, end := range ends {
		if end != ends[0] {
			t.Errorf("Done of goroutine %d is another channel than that of the first", i)
		}
	}
}
