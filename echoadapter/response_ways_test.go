package echoadapter_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// way is one in which a response can leave. Its handler changes the session
// between before, if any, and respond.
type way struct {
	name            string
	method          string // default GET
	ask             string // a line of the request header
	outer, inner    []echo.MiddlewareFunc
	before, respond echo.HandlerFunc
	status          int // default 200
	body            string

	// own: the handler's error is the answer whether the session was saved or not.
	own bool
}

const page = "the page of the handler"

// waysOut are all but those of compression, hijacking and panics.
func waysOut(t *testing.T) []way {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.txt")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ways := []way{
		{name: "Write", body: page, respond: func(c echo.Context) error {
			_, err := c.Response().Write([]byte(page))
			return err
		}},
		{name: "Write to the writer below Echo", status: 202, body: page, respond: func(c echo.Context) error {
			w := c.Response().Writer
			w.WriteHeader(http.StatusAccepted)
			_, err := w.Write([]byte(page))
			return err
		}},
		{name: "WriteString", body: page, respond: func(c echo.Context) error {
			_, err := io.WriteString(c.Response().Writer, page)
			return err
		}},
		{name: "Fprint", body: page, respond: func(c echo.Context) error {
			_, err := fmt.Fprint(c.Response(), page)
			return err
		}},
		{name: "writes whose errors nobody looks at", body: page, respond: func(c echo.Context) error {
			c.Response().WriteHeader(http.StatusOK)
			for i := range page {
				_, _ = c.Response().Write([]byte{page[i]})
				c.Response().Flush()
			}
			return nil
		}},
		{name: "JSON", status: 201, body: `{"a":1}` + "\n", respond: func(c echo.Context) error {
			return c.JSON(http.StatusCreated, map[string]int{"a": 1})
		}},
		{name: "String", body: page, respond: pageAs(http.StatusOK)},
		{name: "redirect", status: 303, respond: func(c echo.Context) error {
			return c.Redirect(http.StatusSeeOther, "/elsewhere")
		}},
		{name: "NoContent", status: 204, respond: noContent},
		{name: "nothing", respond: silence},
		{name: "handler error", status: 418, body: teapotBody, own: true, respond: func(echo.Context) error { return teapot }},
		{name: "error answered by the handler", status: 418, body: teapotBody, respond: func(c echo.Context) error {
			c.Error(teapot)
			return nil
		}},
		{name: "handler error after a page", body: page, respond: func(c echo.Context) error {
			_ = c.String(http.StatusOK, page)
			return errBroken
		}},
		{name: "Stream", body: page, respond: func(c echo.Context) error {
			return c.Stream(http.StatusOK, "text/plain", strings.NewReader(page))
		}},
		{name: "Copy from a file", body: page, respond: func(c echo.Context) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(c.Response().Writer, f)
			return err
		}},
		{name: "ServeContent", body: page, respond: serveContent},
		{name: "ServeContent of a range", ask: "Range: bytes=4-7", status: 206, body: page[4:8], respond: serveContent},
		{name: "ServeContent of a wrong range", ask: "Range: bytes=99-", status: 416, body: "invalid range: failed to overlap\n", respond: serveContent},
		{name: "ServeContent not modified", ask: "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", status: 304, respond: serveContent},
		{name: "ServeContent of a head", method: http.MethodHead, respond: serveContent},
		{name: "File", body: page, respond: func(c echo.Context) error { return c.File(file) }},
		{name: "Attachment", body: page, respond: func(c echo.Context) error { return c.Attachment(file, "page.txt") }},
		{name: "String of a head", method: http.MethodHead, respond: pageAs(http.StatusOK)},
		{name: "nothing of a head", method: http.MethodHead, respond: silence},
	}
	return append(append(ways, flushedWays()...), informedWays()...)
}

func pageAs(status int) echo.HandlerFunc {
	return func(c echo.Context) error { return c.String(status, page) }
}

func silence(echo.Context) error { return nil }

func serveContent(c echo.Context) error {
	modified := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	http.ServeContent(c.Response(), c.Request(), "page.txt", modified, strings.NewReader(page))
	return nil
}

// flushedWays flush before they write anything.
func flushedWays() []way {
	var ways []way
	for name, flush := range map[string]func(c echo.Context) error{
		"Response.Flush":              func(c echo.Context) error { c.Response().Flush(); return nil },
		"ResponseController.Flush":    func(c echo.Context) error { return http.NewResponseController(c.Response()).Flush() },
		"Flush of the writer below":   func(c echo.Context) error { c.Response().Writer.(http.Flusher).Flush(); return nil },
		"controller of the one below": func(c echo.Context) error { return http.NewResponseController(c.Response().Writer).Flush() },
	} {
		ways = append(ways,
			way{name: name + ", then a page", body: page, respond: func(c echo.Context) error {
				if err := flush(c); err != nil {
					return err
				}
				return c.String(http.StatusOK, page)
			}},
			way{name: name + " alone", respond: flush},
		)
	}
	return ways
}

// informedWays send informational headers before the session changes.
func informedWays() []way {
	byEcho := func(c echo.Context) error { c.Response().WriteHeader(http.StatusEarlyHints); return nil }
	below := func(c echo.Context) error { c.Response().Writer.WriteHeader(http.StatusEarlyHints); return nil }
	several := func(c echo.Context) error {
		for _, code := range []int{http.StatusEarlyHints, http.StatusProcessing, http.StatusEarlyHints} {
			c.Response().Writer.WriteHeader(code)
		}
		return nil
	}
	return []way{
		// Echo sends no other status once it has sent a 103 itself.
		{name: "103 by Echo, then a page", before: byEcho, body: page, respond: pageAs(http.StatusCreated)},
		{name: "103 by Echo, then nothing", before: byEcho, respond: silence},
		{name: "103 by Echo, then a flush", before: byEcho, respond: func(c echo.Context) error { c.Response().Flush(); return nil }},
		{name: "103 by Echo, then an error", before: byEcho, status: 418, body: teapotBody, own: true, respond: func(echo.Context) error { return teapot }},
		{name: "103 below, then a page", before: below, status: 201, body: page, respond: pageAs(http.StatusCreated)},
		{name: "103 below, then nothing", before: below, respond: silence},
		{name: "103 below, then an error", before: below, status: 418, body: teapotBody, own: true, respond: func(echo.Context) error { return teapot }},
		{name: "three of 1xx, then a redirect", before: several, status: 307, respond: func(c echo.Context) error {
			return c.Redirect(http.StatusTemporaryRedirect, "/elsewhere")
		}},
		{name: "three of 1xx, then no content", before: several, status: 204, respond: noContent},
	}
}
