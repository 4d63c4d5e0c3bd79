package adaptertest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

const page = Page

// text answers with body.
func text(c Context, status int, body string) error {
	c.Response().Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.Response().WriteHeader(status)
	_, err := io.WriteString(c.Response(), body)
	return err
}

func pageAs(status int) Handler { return func(c Context) error { return text(c, status, page) } }

func noContent(c Context) error {
	c.Response().WriteHeader(http.StatusNoContent)
	return nil
}

func silence(Context) error { return nil }

func flush(c Context) error { return http.NewResponseController(c.Response()).Flush() }

// failing is a handler that returns err.
func failing(err error) Handler { return func(Context) error { return err } }

// using is a handler that does do to its session.
func using(do func(c Context, v *visit) error) Handler {
	return func(c Context) error {
		v, err := session.Get[Visits](c)
		if err != nil {
			return err
		}
		return do(c, v)
	}
}

// counting changes the session, reading looks at it, peeking looks at a copy,
// and destroying ends it, before they respond.
func counting(respond Handler) Handler {
	return using(func(c Context, v *visit) error { v.Data.Count++; return respond(c) })
}

func reading(respond Handler) Handler {
	return using(func(c Context, _ *visit) error { return respond(c) })
}

func peeking(respond Handler) Handler {
	return func(c Context) error {
		if _, err := session.Peek[Visits](c); err != nil {
			return err
		}
		return respond(c)
	}
}

func destroying(respond Handler) Handler {
	return using(func(c Context, v *visit) error { v.Destroy(); return respond(c) })
}

// theCount answers with the count.
var theCount = using(func(c Context, v *visit) error {
	return text(c, http.StatusOK, strconv.Itoa(v.Data.Count))
})

// What a handler does to its session.
func increment(_ Context, v *visit) error { v.Data.Count++; return nil }
func onlyRead(Context, *visit) error      { return nil }
func renew(_ Context, v *visit) error     { v.Renew(); return nil }
func save(c Context, v *visit) error      { return v.Save(c.Request().Context()) }
func reload(c Context, v *visit) error    { return v.Reload(c.Request().Context()) }

// updateCount is an Update that adds n.
func updateCount(n int) func(c Context, v *visit) error {
	return func(c Context, v *visit) error {
		return v.Update(c.Request().Context(), func(d *Visits) error { d.Count += n; return nil })
	}
}

// regenerateKeeping copies the data to a new session.
func regenerateKeeping(_ Context, v *visit) error {
	data := v.Data
	v.Regenerate()
	v.Data = data
	return nil
}

// thenPanic does respond, with any result, and panics.
func thenPanic(respond Handler) Handler {
	return func(c Context) error {
		_ = respond(c)
		panic("at the disco")
	}
}

// saying sets the header before it responds.
func saying(header http.Header, respond Handler) Handler {
	return func(c Context) error {
		for field, lines := range header {
			c.Response().Header()[field] = slices.Clone(lines)
		}
		return respond(c)
	}
}

// sayingAround is a middleware that sets the header.
func sayingAround(header http.Header) Around {
	return func(c Context, next func() error) error {
		return saying(header, func(Context) error { return next() })(c)
	}
}

// recovering is a middleware that turns a panic into an error.
func (e env) recovering() Around {
	return func(_ Context, next func() error) (err error) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				err = e.Error(http.StatusInternalServerError, "Internal Server Error")
			}
		}()
		return next()
	}
}

// The error pages of the suite.
const shortAndStout = "short and stout"

func (e env) teapot() error { return e.Error(http.StatusTeapot, shortAndStout) }

func (e env) teapotPage() string { return e.Page(http.StatusTeapot, shortAndStout) }

// errorPage is the page of an error that has only a status.
func (e env) errorPage(status int) string { return e.Page(status, http.StatusText(status)) }

// complaints is an ErrorHandler that remembers what it was asked about.
type complaints struct {
	answer error

	mu  sync.Mutex
	ops []session.Op
}

func (c *complaints) handle(_ Context, op session.Op, _ error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, op)
	return c.answer
}

func (c *complaints) expect(t *testing.T, want ...session.Op) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.ops, want) {
		t.Errorf("ErrorHandler was asked about %q, expected %q", c.ops, want)
	}
	c.ops = nil
}
