package echoadapter_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// What Valid saw of the session may be in the response, which varies with the
// token then, though the handler did not ask for the session.
func TestHeaderVaryOfWhatValidSaw(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{"by a cookie": "", "by a header": "X-Session"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{
				Header: field,
				Valid: func(c echo.Context, v *session.Session[visits]) (bool, error) {
					c.Set("count", v.Data.Count)
					return true, nil
				},
			}, nil, nil)
			s.e.GET("/", func(c echo.Context) error {
				count, _ := c.Get("count").(int)
				return c.String(http.StatusOK, strconv.Itoa(count))
			})
			req := s.request(http.MethodGet, "/", "")
			want := "Cookie"
			if field != "" {
				want = field
				req.Header.Set(field, s.token(7))
			} else {
				req.Header.Set("Cookie", cookieName+"="+s.token(7))
			}
			got := s.do(req)
			got.expect(t, http.StatusOK, "7")
			got.expectNoCookie(t)
			got.expectHeader(t, "Vary", want)
		})
	}
}

// Without a Valid, a response that nobody asked for the session for is the same
// for everybody.
func TestHeaderVaryOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.e.GET("/", pageAs(http.StatusOK))
	got := s.get("/", s.token(7))
	got.expect(t, http.StatusOK, page)
	got.expectHeader(t, "Vary")
}
