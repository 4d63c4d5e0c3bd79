package echoadapter_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Echo gives the context of a request that has ended to the next one. A
// goroutine that kept its session must find nobody else's there.
func TestGoroutineThatOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	const goroutines, others = 4, 50
	s := serveResponses(t, echoadapter.Config[visits]{
		InContext: true,
		BeforeSave: func(c echo.Context, v *session.Session[visits]) error {
			if v.Data.Count < 0 { // as only the goroutines left it
				c.Response().Header().Set("X-Foreign", "1")
			}
			return nil
		},
		ErrorHandler: func(c echo.Context, _ session.Op, err error) error {
			c.Response().Header().Set("X-Asked", "1")
			return err
		},
	}, nil, nil)

	turns := make(chan struct{}, goroutines) // for each request that the others made
	var background sync.WaitGroup
	complain := make(chan string, 100)
	s.e.GET("/leave", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		background.Go(func() {
			for range turns {
				v.Data.Count = -1
				v.Renew()
				for name, err := range map[string]error{
					"Save":   v.Save(t.Context()),
					"Update": v.Update(t.Context(), func(d *visits) error { d.Count = -2; return nil }),
					"Reload": v.Reload(t.Context()),
				} {
					if err == nil {
						complain <- name + " after the request returned nil, expected an error"
						return
					}
				}
				if late, err := session.FromContext[visits](ctx); err == nil && late != v {
					complain <- "FromContext with the old context returns another session"
					return
				}
				_, _, _ = v.ID(), v.Token(), v.ExpiresAt()
			}
		})
		return c.String(http.StatusOK, page)
	})
	s.on("/count", noContent)

	left := make([]string, goroutines)
	for i := range left {
		left[i] = s.token(7)
		s.get("/leave", left[i]).expect(t, http.StatusOK, page)
	}

	var clients sync.WaitGroup
	tokens := make([]string, goroutines)
	for i := range tokens {
		tokens[i] = s.token(0)
		clients.Go(func() {
			for n := range others {
				select {
				case turns <- struct{}{}:
				default:
				}
				got, err := s.fetch(s.request(http.MethodGet, "/count", tokens[i]))
				if err != nil {
					complain <- err.Error()
					return
				}
				if got.status != http.StatusNoContent || got.header.Get("X-Asked") != "" || got.header.Get("X-Foreign") != "" {
					complain <- fmt.Sprintf("request %d is answered %d with the header %v, expected 204 without a word of the others", n, got.status, got.header)
					return
				}
				for _, c := range got.ofSession() {
					if c.Value != tokens[i] {
						complain <- "a request is answered with the token of another session"
						return
					}
				}
			}
		})
	}
	clients.Wait()
	close(turns)
	background.Wait()
	close(complain)
	for what := range complain {
		t.Error(what)
	}
	for _, token := range left {
		s.expectRead(token, 7)
	}
	for _, token := range tokens {
		s.expectRead(token, others)
	}
}

// Two requests of which each fails in the other's middle, on one pool of
// contexts: each answer is its own.
func TestFailedCommitsShareNothing(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.on("/", pageAs(http.StatusOK))
	s.e.GET("/look", reading(pageAs(http.StatusOK)))
	token := s.token(7)
	s.store.fail("update", session.ErrUnavailable)
	var clients sync.WaitGroup
	wrong := make(chan string, 100)
	for i := range 4 {
		path, status, body := "/", http.StatusServiceUnavailable, downBody
		if i%2 == 0 {
			path, status, body = "/look", http.StatusOK, page
		}
		clients.Go(func() {
			for range 25 {
				got, err := s.fetch(s.request(http.MethodGet, path, token))
				if err != nil || got.status != status || got.body != body {
					wrong <- fmt.Sprintf("GET %s: %d %q, %v, expected %d %q", path, got.status, got.body, err, status, body)
					return
				}
			}
		})
	}
	clients.Wait()
	close(wrong)
	for what := range wrong {
		t.Error(what)
	}
	s.expectRead(token, 7)
}
