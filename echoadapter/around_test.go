package echoadapter_test

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/internal/adaptertest"
)

// waysAround are those through Echo's own middlewares, outside and inside of ours.
func waysAround() []adaptertest.Way {
	var ways []adaptertest.Way
	for name, mw := range map[string]echo.MiddlewareFunc{
		"BodyDump":       middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
		"ContextTimeout": middleware.ContextTimeout(time.Minute),
		//lint:ignore SA1019 it is in use all the same
		"Timeout":        middleware.TimeoutWithConfig(middleware.TimeoutConfig{Timeout: time.Minute}),
		"WrapMiddleware": anotherResponse,
		"RequestLogger": middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			HandleError:   true,
			LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
		}),
	} {
		for _, w := range []way{
			{name: "a page", status: 201, body: page, respond: pageAs(http.StatusCreated)},
			{name: "nothing", respond: silence},
			{name: "an error", status: 418, body: teapotBody, respond: func(echo.Context) error { return teapot }},
		} {
			outside, inside := w.forSuite(), w.forSuite()
			outside.Name, outside.Outer = name+" outside, "+w.name, []any{mw}
			inside.Name, inside.Inner = name+" inside, "+w.name, []any{mw}
			// Those that answer an error themselves make it a response like others.
			outside.Own = w.status == http.StatusTeapot
			inside.Own = w.status == http.StatusTeapot && name != "BodyDump" && name != "RequestLogger"
			ways = append(ways, outside, inside)
		}
	}
	for _, least := range []int{0, 1000} {
		ways = append(ways, compressedWays(least)...)
	}
	return ways
}

// compressedWays go through gzip, for bodies from least bytes on: shorter and
// longer ones, in one write and in several.
func compressedWays(least int) []adaptertest.Way {
	long := strings.Repeat(page, 100)
	inParts := func(c echo.Context) error {
		for part := range strings.SplitSeq(strings.TrimSpace(strings.Repeat(page+" ", 100)), " ") {
			if _, err := c.Response().Write([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	}
	gzip := middleware.GzipWithConfig(middleware.GzipConfig{MinLength: least})
	var ways []adaptertest.Way
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
		{name: "an error", status: 418, body: teapotBody, own: true, respond: func(echo.Context) error { return teapot }},
		{name: "103, then a long page", body: long,
			before:  func(c echo.Context) error { c.Response().WriteHeader(http.StatusEarlyHints); return nil },
			respond: func(c echo.Context) error { return c.String(http.StatusOK, long) }},
	} {
		for how, around := range map[string][2][]any{
			"outside":                         {{gzip}, nil},
			"inside":                          {nil, {gzip}},
			"outside, errors answered within": {{gzip, echo.MiddlewareFunc(answering)}, nil},
			"outside of WrapMiddleware":       {{gzip}, {anotherResponse}},
		} {
			s := w.forSuite()
			s.Name = "gzip from " + strconv.Itoa(least) + " bytes, " + w.name + ", " + how
			s.Ask, s.Outer, s.Inner = "Accept-Encoding: gzip", around[0], around[1]
			ways = append(ways, s)
		}
	}
	return ways
}

// answering is a middleware that answers errors itself.
func answering(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}
