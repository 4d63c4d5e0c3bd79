package adaptertest

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Page is what most handlers of the suite answer.
const Page = "the page of the handler"

// Way is one in which a response can leave. Its handler changes the session
// between Before, if any, and Respond.
type Way struct {
	Name            string
	Method          string // default GET
	Ask             string // a line of the request header
	Outer, Inner    []any  // middlewares around the adapter's
	Before, Respond Handler
	Status          int // default 200
	Body            string

	// Own: the handler's error is the answer, whether or not the session was saved.
	Own bool
}

// open starts a site that answers / in this way, with a handler that sets header
// right after it changed the session.
func (w Way) open(t *testing.T, e env, cfg config, header http.Header) *site {
	t.Helper()
	s := e.openAround(t, w.Outer, cfg, w.Inner)
	s.handle("/", func(c Context) error {
		if w.Before != nil {
			if err := w.Before(c); err != nil {
				return err
			}
		}
		return counting(saying(header, w.Respond))(c)
	})
	return s
}

func (w Way) send(s *site, token string) reply {
	s.t.Helper()
	req := s.request(cmp.Or(w.Method, http.MethodGet), "/", token)
	if field, value, ok := strings.Cut(w.Ask, ": "); ok {
		req.Header.Set(field, value)
	}
	return s.do(req)
}

// expect fails unless r is the response of the handler.
func (w Way) expect(t *testing.T, r reply) {
	t.Helper()
	r.expect(t, cmp.Or(w.Status, http.StatusOK), w.Body)
}

// ways are all of the suite and of the harness.
func (e env) ways(t *testing.T) []Way {
	ways := slices.Concat(e.written(t), flushed(), e.informed())
	if e.Ways != nil {
		ways = append(ways, e.Ways(t)...)
	}
	return ways
}

// plainWays are those without another middleware.
func (e env) plainWays(t *testing.T) []Way {
	return slices.DeleteFunc(e.ways(t), func(w Way) bool { return len(w.Outer)+len(w.Inner) > 0 })
}

// written are those that write, or leave the response to the framework.
func (e env) written(t *testing.T) []Way {
	file := filepath.Join(t.TempDir(), "page.txt")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return []Way{
		{Name: "Write", Body: page, Respond: func(c Context) error {
			_, err := c.Response().Write([]byte(page))
			return err
		}},
		{Name: "WriteHeader and Write", Status: 202, Body: page, Respond: pageAs(http.StatusAccepted)},
		{Name: "Fprint", Body: page, Respond: func(c Context) error {
			_, err := fmt.Fprint(c.Response(), page)
			return err
		}},
		{Name: "writes whose errors nobody looks at", Body: page, Respond: func(c Context) error {
			c.Response().WriteHeader(http.StatusOK)
			for i := range page {
				_, _ = c.Response().Write([]byte{page[i]})
				_ = flush(c)
			}
			return nil
		}},
		{Name: "redirect", Status: 303, Method: http.MethodHead, Respond: func(c Context) error {
			http.Redirect(c.Response(), c.Request(), "/elsewhere", http.StatusSeeOther)
			return nil
		}},
		{Name: "no content", Status: 204, Respond: noContent},
		{Name: "nothing", Respond: silence},
		{Name: "handler error", Status: 418, Body: e.teapotPage(), Own: true, Respond: failing(e.teapot())},
		{Name: "handler error after a page", Body: page, Respond: func(c Context) error {
			_ = pageAs(http.StatusOK)(c)
			return errBroken
		}},
		{Name: "Copy from a file", Body: page, Respond: func(c Context) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(c.Response(), f)
			return err
		}},
		{Name: "ServeFile", Body: page, Respond: func(c Context) error {
			http.ServeFile(c.Response(), c.Request(), file)
			return nil
		}},
		{Name: "ServeContent", Body: page, Respond: serveContent},
		{Name: "ServeContent of a range", Ask: "Range: bytes=4-7", Status: 206, Body: page[4:8], Respond: serveContent},
		{Name: "ServeContent of a wrong range", Ask: "Range: bytes=99-", Status: 416, Body: "invalid range: failed to overlap\n", Respond: serveContent},
		{Name: "ServeContent not modified", Ask: "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", Status: 304, Respond: serveContent},
		{Name: "ServeContent of a head", Method: http.MethodHead, Respond: serveContent},
		{Name: "page of a head", Method: http.MethodHead, Respond: pageAs(http.StatusOK)},
		{Name: "nothing of a head", Method: http.MethodHead, Respond: silence},
	}
}

func serveContent(c Context) error {
	modified := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	http.ServeContent(c.Response(), c.Request(), "page.txt", modified, strings.NewReader(page))
	return nil
}

// flushed are those that flush before they write anything.
func flushed() []Way {
	var ways []Way
	for name, flush := range map[string]Handler{
		"Flush":                    func(c Context) error { c.Response().(http.Flusher).Flush(); return nil },
		"ResponseController.Flush": flush,
	} {
		ways = append(ways,
			Way{Name: name + ", then a page", Body: page, Respond: func(c Context) error {
				if err := flush(c); err != nil {
					return err
				}
				_, err := io.WriteString(c.Response(), page)
				return err
			}},
			Way{Name: name + " alone", Respond: flush},
			Way{Name: name + ", then an error", Respond: func(c Context) error {
				_ = flush(c)
				return errBroken
			}},
		)
	}
	return ways
}

// informed are those that send informational headers before the session changes.
func (e env) informed() []Way {
	one := func(c Context) error { c.Inform(http.StatusEarlyHints); return nil }
	several := func(c Context) error {
		for _, code := range []int{http.StatusEarlyHints, http.StatusProcessing, http.StatusEarlyHints} {
			c.Inform(code)
		}
		return nil
	}
	return []Way{
		{Name: "103, then a page", Before: one, Status: 201, Body: page, Respond: pageAs(http.StatusCreated)},
		{Name: "103, then nothing", Before: one, Respond: silence},
		{Name: "103, then a flush", Before: one, Respond: flush},
		{Name: "103, then an error", Before: one, Status: 418, Body: e.teapotPage(), Own: true, Respond: failing(e.teapot())},
		{Name: "three of 1xx, then a page", Before: several, Status: 201, Body: page, Respond: pageAs(http.StatusCreated)},
		{Name: "three of 1xx, then no content", Before: several, Status: 204, Respond: noContent},
	}
}
