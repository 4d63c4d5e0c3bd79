package echoadapter_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/internal/adaptertest/echo4"
)

// What every adapter does over HTTP, and that Echo's own responses and middlewares
// make no difference.
func TestSuite(t *testing.T) {
	t.Parallel()
	h := echo4.Harness()
	h.Ways = func(t *testing.T) []adaptertest.Way {
		var ways []adaptertest.Way
		for _, w := range append(waysOfEcho(t), waysBelowEcho(t)...) {
			ways = append(ways, w.forSuite())
		}
		return append(ways, waysAround()...)
	}
	h.Wrappers = map[string]any{"gzip": middleware.Gzip(), "WrapMiddleware": anotherResponse}
	adaptertest.Run(t, h)
}

// anotherResponse leaves a Response of its own in the context.
var anotherResponse = echo.WrapMiddleware(func(next http.Handler) http.Handler { return next })

// way is one of Echo's. See [adaptertest.Way].
type way struct {
	name            string
	before, respond echo.HandlerFunc
	status          int
	body            string
	own             bool
}

func (w way) forSuite() adaptertest.Way {
	s := adaptertest.Way{Name: w.name, Respond: echo4.Native(w.respond), Status: w.status, Body: w.body, Own: w.own}
	if w.before != nil {
		s.Before = echo4.Native(w.before)
	}
	return s
}

// waysOfEcho use the methods of its Context and its Response.
func waysOfEcho(t *testing.T) []way {
	file := pageFile(t)
	informed := func(c echo.Context) error { c.Response().WriteHeader(http.StatusEarlyHints); return nil }
	return []way{
		{name: "JSON", status: 201, body: `{"a":1}` + "\n", respond: func(c echo.Context) error {
			return c.JSON(http.StatusCreated, map[string]int{"a": 1})
		}},
		{name: "String", body: page, respond: pageAs(http.StatusOK)},
		{name: "Redirect", status: 303, respond: func(c echo.Context) error {
			return c.Redirect(http.StatusSeeOther, "/elsewhere")
		}},
		{name: "NoContent", status: 204, respond: noContent},
		{name: "Error", status: 418, body: teapotBody, respond: func(c echo.Context) error {
			c.Error(teapot)
			return nil
		}},
		{name: "Stream", body: page, respond: func(c echo.Context) error {
			return c.Stream(http.StatusOK, "text/plain", strings.NewReader(page))
		}},
		{name: "File", body: page, respond: func(c echo.Context) error { return c.File(file) }},
		{name: "Attachment", body: page, respond: func(c echo.Context) error { return c.Attachment(file, "page.txt") }},
		{name: "Flush, then a page", body: page, respond: func(c echo.Context) error {
			c.Response().Flush()
			return c.String(http.StatusOK, page)
		}},
		// Echo sends no other status once it has sent a 103 itself.
		{name: "103 by Echo, then a page", before: informed, body: page, respond: pageAs(http.StatusCreated)},
		{name: "103 by Echo, then nothing", before: informed, respond: silence},
		{name: "103 by Echo, then a flush", before: informed, respond: flush},
		{name: "103 by Echo, then an error", before: informed, status: 418, body: teapotBody, own: true, respond: func(echo.Context) error { return teapot }},
		{name: "103, then a Redirect", before: informedBelow, status: 307, respond: func(c echo.Context) error {
			return c.Redirect(http.StatusTemporaryRedirect, "/elsewhere")
		}},
	}
}

func informedBelow(c echo.Context) error {
	c.Response().Writer.WriteHeader(http.StatusEarlyHints)
	return nil
}

// waysBelowEcho use the writer below its Response.
func waysBelowEcho(t *testing.T) []way {
	file := pageFile(t)
	flushing := func(c echo.Context) error { c.Response().Writer.(http.Flusher).Flush(); return nil }
	controlled := func(c echo.Context) error { return http.NewResponseController(c.Response().Writer).Flush() }
	then := func(flush, respond echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := flush(c); err != nil {
				return err
			}
			return respond(c)
		}
	}
	return []way{
		{name: "Write below", status: 202, body: page, respond: func(c echo.Context) error {
			w := c.Response().Writer
			w.WriteHeader(http.StatusAccepted)
			_, err := w.Write([]byte(page))
			return err
		}},
		{name: "WriteString below", body: page, respond: func(c echo.Context) error {
			_, err := io.WriteString(c.Response().Writer, page)
			return err
		}},
		{name: "Copy from a file below", body: page, respond: func(c echo.Context) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(c.Response().Writer, f)
			return err
		}},
		{name: "Flush below, then a page", body: page, respond: then(flushing, pageAs(http.StatusOK))},
		{name: "Flush below alone", respond: flushing},
		{name: "controller below, then a page", body: page, respond: then(controlled, pageAs(http.StatusOK))},
		{name: "controller below alone", respond: controlled},
	}
}

func pageFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.txt")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
