package echoadapter_test

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// waysAround are those through other middlewares, outside and inside of ours.
func waysAround() []way {
	var ways []way
	for name, mw := range map[string]echo.MiddlewareFunc{
		"BodyDump":       middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
		"ContextTimeout": middleware.ContextTimeout(time.Minute),
		//lint:ignore SA1019 it is in use all the same
		"Timeout":        middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: time.Minute}),
		"WrapMiddleware": echo.WrapMiddleware(func(next http.Handler) http.Handler { return next }),
		"RequestLogger": middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			HandleError:   true,
			LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
		}),
	} {
		around := []echo.MiddlewareFunc{mw}
		for _, w := range []way{
			{name: "a page", status: 201, body: page, respond: pageAs(http.StatusCreated)},
			{name: "nothing", respond: silence},
			{name: "an error", status: 418, body: teapotBody, respond: func(echo.Context) error { return teapot }},
		} {
			outside, inside := w, w
			outside.name, outside.outer = name+" outside, "+w.name, around
			inside.name, inside.inner = name+" inside, "+w.name, around
			// Those that answer an error themselves make it a response like others.
			outside.own = w.status == http.StatusTeapot
			inside.own = w.status == http.StatusTeapot && name != "BodyDump" && name != "RequestLogger"
			ways = append(ways, outside, inside)
		}
	}
	return append(ways, compressedWays()...)
}

// compressedWays go through gzip: bodies shorter and longer than where it
// begins to compress, in one write and in several.
func compressedWays() []way {
	long := strings.Repeat(page, 100)
	answering := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := next(c); err != nil {
				c.Error(err)
			}
			return nil
		}
	}
	inParts := func(c echo.Context) error {
		for part := range strings.SplitSeq(strings.TrimSpace(strings.Repeat(page+" ", 100)), " ") {
			if _, err := c.Response().Write([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	}
	var ways []way
	for _, least := range []int{0, 1000} {
		gzip := middleware.GzipWithConfig(middleware.GzipConfig{MinLength: least})
		for _, w := range []way{
			{name: "a short page", status: 201, body: page, respond: pageAs(http.StatusCreated)},
			{name: "a long page", status: 201, body: long, respond: func(c echo.Context) error { return c.String(http.StatusCreated, long) }},
			{name: "many writes", body: strings.ReplaceAll(long, " ", ""), respond: inParts},
			{name: "a flush, then a page", body: page, respond: func(c echo.Context) error { c.Response().Flush(); return c.String(http.StatusOK, page) }},
			{name: "a page, then a flush", body: page + page, respond: func(c echo.Context) error {
				_ = c.String(http.StatusOK, page)
				c.Response().Flush()
				_, _ = c.Response().Write([]byte(page))
				return nil
			}},
			{name: "no content", status: 204, respond: noContent},
			{name: "nothing", respond: silence},
			{name: "an error", status: 418, body: teapotBody, respond: func(echo.Context) error { return teapot }},
			{name: "103, then a long page", body: long,
				before:  func(c echo.Context) error { c.Response().WriteHeader(http.StatusEarlyHints); return nil },
				respond: func(c echo.Context) error { return c.String(http.StatusOK, long) }},
		} {
			w.ask, w.name = "Accept-Encoding: gzip", "gzip from "+strconv.Itoa(least)+" bytes, "+w.name
			outside, inside, answered, both := w, w, w, w
			outside.name, outside.outer = w.name+", outside", []echo.MiddlewareFunc{gzip}
			inside.name, inside.inner = w.name+", inside", []echo.MiddlewareFunc{gzip}
			answered.name, answered.outer = w.name+", outside, errors answered within", []echo.MiddlewareFunc{gzip, answering}
			both.name, both.outer, both.inner = w.name+", outside of WrapMiddleware", []echo.MiddlewareFunc{gzip}, []echo.MiddlewareFunc{
				echo.WrapMiddleware(func(next http.Handler) http.Handler { return next }),
			}
			for _, w := range []*way{&outside, &inside, &answered, &both} {
				w.own = w.status == http.StatusTeapot
			}
			ways = append(ways, outside, inside, answered, both)
		}
	}
	return ways
}
