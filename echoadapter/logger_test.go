package echoadapter_test

import (
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
	ways := append(waysOfEcho(t), waysBelowEcho(t)...)
	ways = append(ways, way{name: "nothing", respond: silence}, way{name: "flush", respond: flush},
		way{name: "103 below, then nothing", before: informedBelow, respond: silence},
		way{name: "through another response", respond: anotherResponse(pageAs(http.StatusOK))},
		way{name: "through gzip", respond: func(c echo.Context) error { // which counts what it only buffers
			c.Request().Header.Set("Accept-Encoding", "gzip")
			return middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000})(pageAs(http.StatusOK))(c)
		}})
	for _, w := range ways {
		if w.own {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			var before, after responseState
			var cause error
			done := make(chan struct{})
			outer := func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					defer close(done)
					cause = next(c)
					before = stateOf(c)
					if cause != nil {
						c.Error(cause)
					}
					after = stateOf(c)
					return nil
				}
			}
			s := open(t, []echo.MiddlewareFunc{outer}, echoadapter.Config[visits]{})
			s.GET("/", func(c echo.Context) error {
				if w.before != nil {
					if err := w.before(c); err != nil {
						return err
					}
				}
				return counting(w.respond)(c)
			})
			s.store.err = session.ErrUnavailable
			s.expect("/", "", http.StatusServiceUnavailable, downBody)
			<-done
			if cause == nil {
				t.Error("the middleware returned nil, expected the error of the save")
			}
			if want := (responseState{false, http.StatusOK, 0}); before != want {
				t.Errorf("before the error page the response is %+v, expected %+v", before, want)
			}
			if want := (responseState{true, http.StatusServiceUnavailable, int64(len(downBody))}); after != want {
				t.Errorf("after the error page the response is %+v, expected %+v", after, want)
			}
		})
	}
}

// Echo's own middlewares outside see the error page, and nothing else.
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
			s := open(t, outer, echoadapter.Config[visits]{})
			s.GET("/", counting(pageAs(http.StatusOK)))
			s.store.err = session.ErrUnavailable
			s.expect("/", "", http.StatusServiceUnavailable, downBody)
			s.server.Close() // which waits for the request
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
				t.Errorf("the dump is %q, expected only %q", dumped, downBody)
			}
		})
	}
}

// ContextTimeout ends the request's context, and not the commit. Outside of the
// session's middleware it makes a 503 of a deadline that was exceeded.
func TestResponseCommitsAfterContextTimeout(t *testing.T) {
	t.Parallel()
	timeout := []echo.MiddlewareFunc{middleware.ContextTimeout(time.Millisecond)}
	for name, around := range map[string][2][]echo.MiddlewareFunc{"outside": {timeout, nil}, "inside": {nil, timeout}} {
		for _, writes := range []bool{true, false} {
			t.Run(name+"/writes="+strconv.FormatBool(writes), func(t *testing.T) {
				t.Parallel()
				s := open(t, around[0], echoadapter.Config[visits]{}, around[1]...)
				s.GET("/", counting(func(c echo.Context) error {
					<-c.Request().Context().Done()
					if !writes {
						return c.Request().Context().Err()
					}
					return c.String(http.StatusOK, page)
				}))
				status, body := http.StatusOK, page
				if !writes {
					status, body = http.StatusServiceUnavailable, downBody
				}
				s.expectStored(s.tokenIn(s.expect("/", "", status, body)), 1)
			})
		}
	}
}
