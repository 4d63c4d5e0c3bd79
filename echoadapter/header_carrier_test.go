package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// The token in a header field of its own follows the rules of the cookie.
func TestHeaderAsTheCarrier(t *testing.T) {
	t.Parallel()
	const field = "X-Session"
	for name, tt := range map[string]struct {
		handler echo.HandlerFunc
		fault   error
		status  int
		token   []string // the response's field: "set", "" or nothing
		read    int
		cache   []string
		vary    []string
	}{
		"change":     {counting(pageAs(200)), nil, 200, []string{"set"}, 8, []string{"no-store"}, []string{field}},
		"silence":    {counting(silence), nil, 200, []string{"set"}, 8, []string{"no-store"}, []string{field}},
		"error":      {counting(func(echo.Context) error { return teapot }), nil, 418, []string{"set"}, 8, []string{"no-store"}, []string{field}},
		"look":       {reading(pageAs(200)), nil, 200, nil, 7, nil, []string{field}},
		"peek":       {peeking(pageAs(200)), nil, 200, nil, 7, nil, []string{field}},
		"not asked":  {pageAs(200), nil, 200, nil, 7, nil, nil},
		"destroy":    {destroying(pageAs(200)), nil, 200, []string{""}, 0, []string{"no-store"}, []string{field}},
		"fault":      {counting(pageAs(200)), session.ErrUnavailable, 503, nil, 7, nil, []string{field}},
		"late fault": {counting(silence), session.ErrUnavailable, 503, nil, 7, nil, []string{field}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{Header: "x-session"}, nil, nil)
			s.e.GET("/", tt.handler)
			token := s.token(7)
			s.store.fail("update", tt.fault)
			req := s.request(http.MethodGet, "/", "")
			req.Header.Set(field, token)
			got := s.do(req)
			if got.status != tt.status {
				t.Errorf("the response is %d %q, expected %d", got.status, got.body, tt.status)
			}
			want := tt.token
			if len(want) == 1 && want[0] == "set" {
				want = []string{token}
			}
			got.expectHeader(t, field, want...)
			got.expectHeader(t, "Cache-Control", tt.cache...)
			got.expectHeader(t, "Vary", tt.vary...)
			got.expectHeader(t, "Set-Cookie")
			s.expectRead(token, tt.read) // by a cookie, of a middleware with the same Manager
		})
	}
	t.Run("a new session", func(t *testing.T) {
		t.Parallel()
		s := serveResponses(t, echoadapter.Config[visits]{Header: field}, nil, nil)
		s.on("/", pageAs(http.StatusOK))
		foreign := s.token(7)
		got := s.get("/", foreign) // a cookie, which is not looked at
		lines := got.header.Values(field)
		if len(lines) != 1 || lines[0] == foreign {
			t.Fatalf("the header has %s %q, expected one new token", field, lines)
		}
		s.expectRead(lines[0], 1)
		s.expectRead(foreign, 7)
	})
	t.Run("a name that cannot be", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"Cookie", "set-cookie", "a b", "a:b", "ä"} {
			if _, err := (echoadapter.Config[visits]{Header: name}).ToMiddleware(); len(fieldsOf(err)) != 1 || fieldsOf(err)[0] != "echoadapter.Config.Header" {
				t.Errorf("ToMiddleware with the Header %q returned %v, expected a problem of Header", name, err)
			}
		}
	})
}
