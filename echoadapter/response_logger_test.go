package echoadapter_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// responseState is what an outer middleware sees of a response.
type responseState struct {
	committed bool
	status    int
	size      int64
}

func stateOf(c echo.Context) responseState {
	r := c.Response()
	return responseState{r.Committed, r.Status, r.Size}
}

// After a failed commit Echo must not believe that the handler's response left.
func TestResponseStateAfterAFailedCommit(t *testing.T) {
	t.Parallel()
	for _, w := range append(waysOut(t), waysAround()...) {
		if w.own || w.outer != nil {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			var before, after responseState
			var cause error
			w.outer = []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					cause = next(c)
					before = stateOf(c)
					if cause != nil {
						c.Error(cause)
					}
					after = stateOf(c)
					return nil
				}
			}}
			s := w.site(t, echoadapter.Config[visits]{}, func(http.Header) {})
			s.store.fail("create", session.ErrUnavailable)
			body := downBody
			if w.method == http.MethodHead {
				body = ""
			}
			w.send(s, "").expect(t, http.StatusServiceUnavailable, body)
			s.server.Close() // which waits for the request
			if cause == nil {
				t.Error("the middleware returned nil, expected the error of the save")
			}
			if want := (responseState{false, http.StatusOK, 0}); before != want {
				t.Errorf("before the error page the response is %+v, expected %+v", before, want)
			}
			if want := (responseState{true, http.StatusServiceUnavailable, int64(len(body))}); after != want {
				t.Errorf("after the error page the response is %+v, expected %+v", after, want)
			}
		})
	}
}

// Echo's own middlewares outside see the error page, and it alone.
func TestResponseOfAFailedCommitInTheLog(t *testing.T) {
	t.Parallel()
	for _, handles := range []bool{true, false} {
		t.Run("handles="+strconv.FormatBool(handles), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var logged []middleware.RequestLoggerValues
			var dumped []string
			outer := []echo.MiddlewareFunc{
				middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
					HandleError: handles, LogStatus: true, LogResponseSize: true, LogError: true,
					LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
						mu.Lock()
						defer mu.Unlock()
						logged = append(logged, v)
						return nil
					},
				}),
			}
			if handles { // as BodyDump does itself
				outer = append(outer, middleware.BodyDump(func(_ echo.Context, _, body []byte) {
					mu.Lock()
					defer mu.Unlock()
					dumped = append(dumped, string(body))
				}))
			}
			s := serveResponses(t, echoadapter.Config[visits]{}, outer, nil)
			s.on("/", pageAs(http.StatusOK))
			s.store.fail("create", session.ErrUnavailable)
			s.get("/", "").expect(t, http.StatusServiceUnavailable, downBody)
			s.server.Close()
			if len(logged) != 1 || logged[0].Status != http.StatusServiceUnavailable || logged[0].Error == nil {
				t.Fatalf("the log is %+v, expected one request with 503 and its error", logged)
			}
			if !handles {
				return
			}
			if got := logged[0].ResponseSize; got != int64(len(downBody)) {
				t.Errorf("the log has the size %d, expected %d", got, len(downBody))
			}
			if len(dumped) != 1 || dumped[0] != downBody {
				t.Errorf("the dump is %q, expected %q alone", dumped, downBody)
			}
		})
	}
}

// A deadline of the request does not end the commit.
func TestResponseCommitsAfterTheDeadline(t *testing.T) {
	t.Parallel()
	timeout := []echo.MiddlewareFunc{middleware.ContextTimeout(time.Millisecond)}
	for name, inside := range map[string]bool{"outside": false, "inside": true} {
		for path, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "error": nil} {
			t.Run(name+"/"+path, func(t *testing.T) {
				t.Parallel()
				outer, inner := timeout, []echo.MiddlewareFunc(nil)
				if inside {
					outer, inner = inner, outer
				}
				s := serveResponses(t, echoadapter.Config[visits]{}, outer, inner)
				s.on("/", func(c echo.Context) error {
					<-c.Request().Context().Done()
					if respond == nil {
						return c.Request().Context().Err()
					}
					return respond(c)
				})
				got := s.get("/", "")
				if respond == nil {
					got.expect(t, http.StatusServiceUnavailable, downBody)
				} else {
					got.expect(t, http.StatusOK, page)
				}
				s.expectRead(got.expectToken(t), 1)
			})
		}
	}
}

// A client that goes away in the middle does not take the save with it.
func TestResponseCommitsWithoutTheClient(t *testing.T) {
	t.Parallel()
	for path, respond := range map[string]echo.HandlerFunc{
		"page": pageAs(http.StatusOK), "nothing": silence, "error": func(echo.Context) error { return teapot },
		"flush": func(c echo.Context) error { c.Response().Flush(); return nil },
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{})
			s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
			s.on("/", func(c echo.Context) error {
				close(begun)
				<-c.Request().Context().Done()
				return respond(c)
			})
			token := s.token(7)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			go func() {
				<-begun
				leave()
			}()
			if res, err := s.server.Client().Do(s.request(http.MethodGet, "/", token).WithContext(ctx)); err == nil {
				res.Body.Close()
				t.Error("the client got a response, expected that it was gone")
			}
			s.server.Close() // which waits for the handler
			v, err := s.manager.Open(t.Context(), token)
			if err != nil || v.Data.Count != 8 {
				t.Errorf("the store has %+v, %v, expected the count 8", v, err)
			}
			s.expectEvents(session.EventError, 0)
		})
	}
}
