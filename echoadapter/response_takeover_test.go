package echoadapter_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// refusingWriter looks like one whose connection can be taken over, and fails
// when that is tried.
type refusingWriter struct{ *httptest.ResponseRecorder }

var errNotNow = errors.New("not now")

func (refusingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errNotNow }

// The handler did not get the connection, so it cannot send a token itself, and
// the commit is over: what needs one is refused, and no record is left whose
// token nobody has.
func TestResponseHijackThatFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		count, want int // in the store before, and after
		change      func(*session.Session[visits])
		err         error
	}{
		"a new session":    {0, 0, func(v *session.Session[visits]) { v.Data.Count = 9 }, session.ErrCommitted},
		"a stored session": {7, 9, func(v *session.Session[visits]) { v.Data.Count = 9 }, nil},
		"a new token":      {7, 7, func(v *session.Session[visits]) { v.Data.Count = 9; v.Renew() }, session.ErrCommitted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
			s.e.GET("/", func(c echo.Context) error {
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				if _, _, err := c.Response().Hijack(); !errors.Is(err, errNotNow) {
					t.Errorf("Hijack returned %v, expected what the writer below says", err)
				}
				tt.change(v)
				if err := v.Save(c.Request().Context()); !errors.Is(err, tt.err) {
					t.Errorf("Save returned %v, expected %v", err, tt.err)
				}
				return c.String(http.StatusOK, page)
			})
			token := ""
			if tt.count > 0 {
				token = s.token(tt.count)
			}
			before := s.memory.Len()
			rec := httptest.NewRecorder()
			s.e.ServeHTTP(refusingWriter{rec}, s.request(http.MethodGet, "/", token))
			if rec.Code != http.StatusOK || rec.Body.String() != page {
				t.Errorf("the response is %d %q, expected 200 and the page", rec.Code, rec.Body)
			}
			if lines := rec.Header().Values("Set-Cookie"); len(lines) != 0 {
				t.Errorf("Set-Cookie is %q, expected none", lines)
			}
			s.expectRecords(before)
			if token != "" {
				s.expectRead(token, tt.want)
			}
			lost := 0
			if tt.err != nil {
				lost = 1
			}
			s.expectEvents(session.EventLost, lost)
		})
	}
}
