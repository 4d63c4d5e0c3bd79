package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

type requestKey struct{}

// leaving is a site whose requests have a value in their context. Their client
// goes away when leave is called.
func (e env) leaving(t *testing.T) (s *site, leave func()) {
	s = e.open(t, config{})
	s.within = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.WithValue(ctx, requestKey{}, "mine"))
		leave = cancel
		return ctx, cancel
	}
	return s, func() { leave() }
}

// responses are two ways to the commit: at the first byte, and after the handler.
var responses = map[string]Handler{"page": pageAs(http.StatusOK), "nothing": silence}

// TestStoreIsGivenTheContextOfTheRequest. A client that goes away ends neither
// the commit nor its deadline.
func TestStoreIsGivenTheContextOfTheRequest(t *testing.T, e env) {
	for name, respond := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, leave := e.leaving(t)
				s.handle("/", counting(func(c Context) error { leave(); return respond(c) }))
				token := s.token(1)
				s.store.before = func(ctx context.Context, op string) error {
					deadline, limited := ctx.Deadline()
					if got := ctx.Value(requestKey{}); got != "mine" || ctx.Err() != nil {
						t.Errorf("%s: the context has the value %v and the error %v, expected mine and none", op, got, ctx.Err())
					}
					if commit := op == "update"; limited != commit || commit && time.Until(deadline) != 10*time.Second {
						t.Errorf("%s: the context ends in %v, %t, expected only the commit's to end, in 10s", op, time.Until(deadline), limited)
					}
					return nil
				}
				s.get("/", token).expectStatus(t, http.StatusOK)
				s.expectCalls("load", "update")
				s.expectRead(token, 2)
			})
		})
	}
}

// TestResponseOfACommitThatHangs: a store that hangs is given up after the
// commit's deadline.
func TestResponseOfACommitThatHangs(t *testing.T, e env) {
	for name, respond := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := e.open(t, config{})
				s.handle("/", counting(respond))
				s.store.before = func(ctx context.Context, _ string) error {
					<-ctx.Done()
					return fmt.Errorf("%w: %w", session.ErrUnavailable, ctx.Err())
				}
				begun := time.Now()
				e.unavailable(t, s.get("/", ""))
				if took := time.Since(begun); took != 10*time.Second {
					t.Errorf("the request took %v, expected 10s", took)
				}
			})
		})
	}
}

// TestResponseCommitContextKept: a store may leave something behind that still
// asks the commit's context when the request is over.
func TestResponseCommitContextKept(t *testing.T, e env) {
	for name, respond := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, over, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			s, leave := e.leaving(t)
			s.handle("/", counting(func(c Context) error { leave(); return respond(c) }))
			s.store.before = func(ctx context.Context, _ string) error {
				go func() {
					close(begun)
					for ctx.Err() == nil {
						if got := ctx.Value(requestKey{}); got != "mine" {
							left <- fmt.Errorf("the value is %v, expected the request's", got)
							return
						}
					}
					<-over
					if got := ctx.Value(requestKey{}); got != "mine" {
						left <- fmt.Errorf("the value after the request is %v, expected the request's", got)
						return
					}
					<-ctx.Done()
					left <- ctx.Err()
				}()
				<-begun
				return nil
			}
			s.get("/", "")
			s.idle()
			close(over)
			if err := <-left; err != context.Canceled {
				t.Errorf("the commit's context ended with %v, expected Canceled", err)
			}
		})
	}
}

// TestResponseCommitsAfterTheDeadline: a deadline of the request does not end the
// commit.
func TestResponseCommitsAfterTheDeadline(t *testing.T, e env) {
	for name, respond := range map[string]Handler{"page": pageAs(http.StatusOK), "error": failing(e.teapot())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.within = func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Millisecond)
			}
			s.handle("/", counting(func(c Context) error {
				<-c.Request().Context().Done()
				return respond(c)
			}))
			s.expectRead(s.get("/", "").expectToken(t), 1)
		})
	}
}

// TestResponseCommitsWithoutTheClient: a client that goes away in the middle does
// not take the save with it.
func TestResponseCommitsWithoutTheClient(t *testing.T, e env) {
	for name, respond := range map[string]Handler{
		"page": pageAs(http.StatusOK), "nothing": silence, "error": failing(e.teapot()), "flush": flush,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{})
			s := e.open(t, config{})
			s.handle("/", counting(func(c Context) error {
				close(begun)
				<-c.Request().Context().Done()
				return respond(c)
			}))
			token := s.token(7)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			go func() {
				<-begun
				leave()
			}()
			if r, err := fetch(s.server.Client(), s.request(http.MethodGet, "/", token).WithContext(ctx)); err == nil {
				t.Errorf("the client got %d %q, expected that it was gone", r.status, r.body)
			}
			s.idle()
			s.expectRead(token, 8)
			s.expectEvents(session.EventError, 0)
		})
	}
}
