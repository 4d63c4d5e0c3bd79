package adaptertest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// TestErrorHandler: for every operation, its answer is the error from then on.
func TestErrorHandler(t *testing.T, e env) {
	type answer struct {
		status int
		body   string
	}
	broken := answer{http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError)}
	teapot := e.teapot()
	for name, tt := range map[string]struct {
		op      session.Op
		fails   string
		handler Handler
		passed  answer // if it answers nil
		discard answer // if it answers ErrDiscard
	}{
		"load":         {session.OpLoad, "load", counting(theCount), answer{200, "1"}, answer{200, "1"}},
		"save":         {session.OpSave, "update", counting(theCount), answer{200, "8"}, broken},
		"save, silent": {session.OpSave, "update", counting(silence), answer{200, ""}, broken},
		"destroy":      {session.OpDestroy, "delete", destroying(theCount), answer{200, "7"}, broken},
	} {
		for returned, want := range map[error]answer{
			nil:                tt.passed,
			session.ErrDiscard: tt.discard,
			teapot:             {http.StatusTeapot, e.teapotPage()},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, returned), func(t *testing.T) {
				t.Parallel()
				asked := &complaints{answer: returned}
				s := e.open(t, config{ErrorHandler: func(c Context, op session.Op, err error) error {
					if !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("ErrorHandler was asked about %v, expected ErrUnavailable inside", err)
					}
					return asked.handle(c, op, err)
				}})
				s.handle("/", tt.handler)
				token := s.token(7)
				s.store.fail(tt.fails, errDown)
				got := s.get("/", token)
				s.store.heal()
				got.expect(t, want.status, want.body)
				asked.expect(t, tt.op)
				if returned == session.ErrDiscard && tt.op == session.OpLoad {
					s.expectRead(got.expectToken(t), 1)
				} else {
					got.expectNoCookie(t)
				}
				s.expectRead(token, 7)
			})
		}
	}
}

// TestErrorHandlerThatAnswersItself: no error page follows its own, also if it
// returns an error. While the handler's response is under way it cannot answer,
// and its error is that of the write: then the default page leaves.
func TestErrorHandlerThatAnswersItself(t *testing.T, e env) {
	for name, returned := range map[string]error{"nil": nil, "an error": e.teapot()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{ErrorHandler: func(c Context, _ session.Op, _ error) error {
				if err := text(c, http.StatusAccepted, "later"); err != nil {
					return fmt.Errorf("answering: %w", err)
				}
				return returned
			}})
			s.handle("/nothing", counting(silence))
			s.handle("/page", counting(pageAs(http.StatusOK)))
			s.store.fail("update", errDown)
			got := s.get("/nothing", s.token(7))
			got.expect(t, http.StatusAccepted, "later")
			got.expectNoCookie(t)
			e.unavailable(t, s.get("/page", s.token(7)))
		})
	}
}

// TestReturnedErrors: a handler that just returns what Save, Update or Reload
// said is answered as the commit would be.
func TestReturnedErrors(t *testing.T, e env) {
	for name, do := range map[string]func(Context, *visit) error{
		"Save":   func(c Context, v *visit) error { v.Data.Count++; return save(c, v) },
		"Update": updateCount(1),
		"Reload": reload,
	} {
		for _, fault := range []error{errDown, errBroken} {
			for _, wrap := range []string{"", "loading the page"} {
				t.Run(fmt.Sprintf("%s/%v/%s", name, fault, wrap), func(t *testing.T) {
					t.Parallel()
					s := e.open(t, config{})
					s.handle("/", using(func(c Context, v *visit) error {
						s.store.fail("load", fault)
						s.store.fail("update", fault)
						err := do(c, v)
						if !errors.Is(err, fault) {
							t.Errorf("%s returned %v, expected %v inside", name, err, fault)
						}
						if wrap == "" {
							return err
						}
						return fmt.Errorf("%s: %w", wrap, err)
					}))
					token := s.token(7)
					got := s.get("/", token)
					s.store.heal()
					if fault == errDown {
						e.unavailable(t, got)
					} else {
						e.broken(t, got)
					}
					s.expectRead(token, 7)
				})
			}
		}
	}
}
