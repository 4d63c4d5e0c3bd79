package echoadapter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

func TestValidFails(t *testing.T) {
	t.Parallel()
	for _, deferred := range []bool{false, true} {
		for name, tt := range map[string]struct {
			answer error
			status int
			body   string
			cookie bool
			read   int // with the old token
		}{
			"another error": {teapot, 418, teapotBody, false, 7},
			"waved through": {nil, 200, "1", false, 7},
			"discarded":     {session.ErrDiscard, 200, "1", true, 7},
		} {
			t.Run(fmt.Sprintf("%s/deferred=%t", name, deferred), func(t *testing.T) {
				t.Parallel()
				asked := &complaints{answer: tt.answer}
				s := serveResponses(t, echoadapter.Config[visits]{
					Defer:        deferred,
					ErrorHandler: asked.handle,
					Valid:        func(echo.Context, *session.Session[visits]) (bool, error) { return true, errBroken },
				}, nil, nil)
				s.on("/", countAsBody)
				token := s.token(7)
				got := s.get("/", token)
				got.expect(t, tt.status, tt.body)
				asked.expect(t, session.OpLoad)
				if tt.cookie {
					v, err := s.manager.Open(t.Context(), got.expectToken(t))
					if err != nil || v.Data.Count != 1 {
						t.Errorf("the store has %+v, %v, expected the count 1", v, err)
					}
				} else {
					got.expectNoCookie(t)
				}
				s.expectRead(token, tt.read)
			})
		}
	}
}

func countAsBody(c echo.Context) error {
	v, err := session.Get[visits](c)
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, fmt.Sprint(v.Data.Count))
}

func TestBeforeSave(t *testing.T) {
	t.Parallel()
	for path, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence, "saved": func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		return v.Save(c.Request().Context())
	}} {
		for _, refuses := range []error{nil, errBroken, errDown} {
			t.Run(fmt.Sprintf("%s/%v", path, refuses), func(t *testing.T) {
				t.Parallel()
				asked := new(complaints)
				s := serveResponses(t, echoadapter.Config[visits]{
					BeforeSave: func(c echo.Context, v *session.Session[visits]) error {
						if c.Request().URL.Path != "/" {
							t.Errorf("BeforeSave was called for %s, expected the request's context", c.Request().URL.Path)
						}
						v.Data.Count += 100
						return refuses
					},
					ErrorHandler: func(c echo.Context, op session.Op, err error) error {
						if !errors.Is(err, refuses) {
							t.Errorf("ErrorHandler was asked about %v, expected %v inside", err, refuses)
						}
						_ = asked.handle(c, op, err)
						return teapot
					},
				}, nil, nil)
				s.on("/", respond)
				s.e.GET("/look", reading(noContent))
				token := s.token(7)
				s.get("/look", token).expect(t, http.StatusNoContent, "")
				got := s.get("/", token)
				switch {
				case refuses == nil:
					s.expectRead(got.expectToken(t), 108)
					asked.expect(t)
					return
				case path != "saved":
					got.expect(t, http.StatusTeapot, teapotBody)
					asked.expect(t, session.OpSave)
				case errors.Is(refuses, session.ErrUnavailable): // Save told the handler, which returned it
					got.expect(t, http.StatusServiceUnavailable, downBody)
				default:
					got.expect(t, http.StatusInternalServerError, brokenBody)
				}
				got.expectNoCookie(t)
				s.expectRead(token, 7)
			})
		}
	}
}

// errorCase is an operation of the store that fails.
type errorCase struct {
	op       session.Op
	fails    string
	deferred bool
	handler  echo.HandlerFunc
	nothing  response // where the answer is nil
	discard  response // where it is ErrDiscard
	kept     bool     // with ErrDiscard: the cookie stays
}

var errorCases = map[string]errorCase{
	"load":           {op: session.OpLoad, fails: "load", handler: counting(countAsBody), nothing: response{status: 200, body: "1"}, discard: response{status: 200, body: "1"}},
	"load, deferred": {op: session.OpLoad, fails: "load", deferred: true, handler: counting(countAsBody), nothing: response{status: 200, body: "1"}, discard: response{status: 200, body: "1"}},
	"save":           {op: session.OpSave, fails: "update", handler: counting(countAsBody), nothing: response{status: 200, body: "8"}, discard: response{status: 500, body: brokenBody}, kept: true},
	"save, silent":   {op: session.OpSave, fails: "update", handler: counting(silence), nothing: response{status: 200}, discard: response{status: 500, body: brokenBody}, kept: true},
	"destroy":        {op: session.OpDestroy, fails: "delete", handler: destroying(countAsBody), nothing: response{status: 200, body: "7"}, discard: response{status: 500, body: brokenBody}, kept: true},
}

// Whatever the operation, the ErrorHandler's answer is the error from then on.
func TestErrorHandler(t *testing.T) {
	t.Parallel()
	for name, tt := range errorCases {
		for answer, want := range map[error]response{
			nil:                {status: tt.nothing.status, body: tt.nothing.body},
			session.ErrDiscard: {status: tt.discard.status, body: tt.discard.body},
			teapot:             {status: http.StatusTeapot, body: teapotBody},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, answer), func(t *testing.T) {
				t.Parallel()
				asked := &complaints{answer: answer}
				s := serveResponses(t, echoadapter.Config[visits]{Defer: tt.deferred, ErrorHandler: func(c echo.Context, op session.Op, err error) error {
					if !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("ErrorHandler was asked about %v, expected ErrUnavailable inside", err)
					}
					return asked.handle(c, op, err)
				}}, nil, nil)
				s.e.GET("/", tt.handler)
				token := s.token(7)
				s.store.fail(tt.fails, errDown)
				got := s.get("/", token)
				s.store.heal()
				got.expect(t, want.status, want.body)
				asked.expect(t, tt.op)
				if answer == session.ErrDiscard && !tt.kept {
					s.expectRead(got.expectToken(t), 1)
				} else {
					got.expectNoCookie(t)
				}
				s.expectRead(token, 7)
			})
		}
	}
}

// A handler that just returns what Save, Update or Reload said is answered as
// the commit would be.
func TestReturnedErrors(t *testing.T) {
	t.Parallel()
	type call func(ctx context.Context, v *session.Session[visits]) error
	calls := map[string]call{
		"Save": func(ctx context.Context, v *session.Session[visits]) error { v.Data.Count++; return v.Save(ctx) },
		"Update": func(ctx context.Context, v *session.Session[visits]) error {
			return v.Update(ctx, func(d *visits) error { d.Count++; return nil })
		},
		"Reload": func(ctx context.Context, v *session.Session[visits]) error { return v.Reload(ctx) },
	}
	for name, do := range calls {
		for fault, want := range map[error]int{errDown: http.StatusServiceUnavailable, errBroken: http.StatusInternalServerError} {
			for _, wrap := range []string{"", "loading the page"} {
				t.Run(strings.Join([]string{name, fault.Error(), wrap}, "/"), func(t *testing.T) {
					t.Parallel()
					s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
					s.e.GET("/", func(c echo.Context) error {
						v, err := session.Get[visits](c)
						if err != nil {
							return err
						}
						for _, op := range []string{"load", "update"} {
							s.store.fail(op, fault)
						}
						err = do(c.Request().Context(), v)
						if !errors.Is(err, fault) {
							t.Errorf("%s returned %v, expected %v inside", name, err, fault)
						}
						if wrap != "" {
							err = fmt.Errorf("%s: %w", wrap, err)
						}
						return err
					})
					token := s.token(7)
					got := s.get("/", token)
					s.store.heal()
					body := map[int]string{http.StatusServiceUnavailable: downBody, http.StatusInternalServerError: brokenBody}[want]
					got.expect(t, want, body)
					got.expectNoCookie(t)
					s.expectRead(token, 7)
				})
			}
		}
	}
	t.Run("an error of the application's own", func(t *testing.T) {
		t.Parallel()
		s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
		s.e.GET("/", func(echo.Context) error {
			return &echo.HTTPError{Code: http.StatusTeapot, Message: teapot.Message, Internal: session.ErrUnavailable}
		})
		got := s.get("/", s.token(7))
		got.expect(t, http.StatusTeapot, teapotBody)
		if calls := s.store.take(); !slices.Equal(calls, []string{"load"}) {
			t.Errorf("the store was asked %q, expected one load", calls)
		}
	})
}
