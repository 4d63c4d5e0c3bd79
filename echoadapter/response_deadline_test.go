package echoadapter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// writingStore gives the context of each write to look.
type writingStore struct {
	session.Store
	look func(ctx context.Context) error
}

func (s writingStore) Create(ctx context.Context, r session.Record) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

type requestKey struct{}

// serveWrites makes one request, already canceled, whose session is stored
// under the eyes of look.
func serveWrites(respond echo.HandlerFunc, look func(ctx context.Context) error) *httptest.ResponseRecorder {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(echoadapter.Middleware(echoadapter.Config[visits]{Session: session.Config[visits]{
		Store: writingStore{memstore.New(memstore.Options{}), look},
	}}))
	e.GET("/", counting(respond))
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), requestKey{}, "value"), time.Second)
	cancel()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/", nil).WithContext(ctx))
	return w
}

// The commit has the request's values, not its end, and an end of its own.
func TestResponseCommitContext(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				looked := 0
				w := serveWrites(respond, func(ctx context.Context) error {
					looked++
					if got := ctx.Value(requestKey{}); got != "value" {
						t.Errorf("the commit's context has the value %v, expected the request's", got)
					}
					if err := ctx.Err(); err != nil {
						t.Errorf("the commit's context has ended: %v, expected that only the request's has", err)
					}
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 10*time.Second {
						t.Errorf("the commit ends in %v, %t, expected 10s", time.Until(deadline), ok)
					}
					return nil
				})
				if looked != 1 || w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
					t.Errorf("%d writes, and the answer %d with the cookies %v, expected one write, 200 and one cookie", looked, w.Code, w.Result().Cookies())
				}
			})
		})
	}
}

// A store that hangs is given up after the commit's deadline.
func TestResponseOfACommitThatHangs(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				w := serveWrites(respond, func(ctx context.Context) error {
					<-ctx.Done()
					return fmt.Errorf("%w: %w", session.ErrUnavailable, ctx.Err())
				})
				if took := time.Since(begun); took != 10*time.Second {
					t.Errorf("the request took %v, expected 10s", took)
				}
				if w.Code != http.StatusServiceUnavailable || w.Body.String() != downBody || len(w.Result().Cookies()) != 0 {
					t.Errorf("the answer is %d %q with the cookies %v, expected 503 and none", w.Code, w.Body, w.Result().Cookies())
				}
			})
		})
	}
}

// A store may leave something behind that still asks the commit's context, when
// the request is over.
func TestResponseCommitContextKept(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, over, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			serveWrites(respond, func(ctx context.Context) error {
				go func() {
					close(begun)
					for ctx.Err() == nil {
						if got := ctx.Value(requestKey{}); got != "value" {
							left <- fmt.Errorf("the value is %v, expected the request's", got)
							return
						}
					}
					<-over
					if got := ctx.Value(requestKey{}); got != "value" {
						left <- fmt.Errorf("the value after the request is %v, expected the request's", got)
						return
					}
					<-ctx.Done()
					left <- ctx.Err()
				}()
				<-begun
				return nil
			})
			close(over)
			if err := <-left; err != context.Canceled {
				t.Errorf("the commit's context ended with %v, expected Canceled", err)
			}
		})
	}
}
