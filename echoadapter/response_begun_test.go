package echoadapter_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// A log-out that comes when the response has left, and fails, is the error of
// the request, unless the handler has one of its own.
func TestResponseBegunThenAFailedDestroy(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("the handler's own")
	for name, own := range map[string]error{"handler ends well": nil, "handler fails": errOwn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var returned error
			s := serveResponses(t, echoadapter.Config[visits]{}, []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					returned = next(c)
					return returned
				}
			}}, nil)
			s.e.GET("/", func(c echo.Context) error {
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				if err := c.String(http.StatusOK, "page"); err != nil {
					return err
				}
				v.Destroy()
				return own
			})
			token := s.token(1)
			s.store.fail("delete", errBroken)
			s.get("/", token).expect(t, http.StatusOK, "page")
			if want := errors.Join(own, errBroken); own != nil && !errors.Is(returned, own) || own == nil && !errors.Is(returned, errBroken) {
				t.Errorf("the middleware returned %v, expected the first of %v", returned, want)
			}
			s.expectEvents(session.EventError, 1)
		})
	}
}

// An ErrorHandler that answers a failed save itself has answered, whatever it
// returns: no error page follows its own.
func TestResponseByTheErrorHandlerItself(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"nil": nil, "an error": teapot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{
				ErrorHandler: func(c echo.Context, _ session.Op, _ error) error {
					if err := c.String(http.StatusAccepted, "later"); err != nil {
						return err
					}
					return answer
				},
			}, nil, nil)
			s.on("/", silence)
			s.store.fail("update", errBroken)
			got := s.get("/", s.token(7))
			got.expect(t, http.StatusAccepted, "later")
			got.expectNoCookie(t)
		})
	}
}
