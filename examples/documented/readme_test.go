// Package documented compiles and runs the code that the documentation shows.
package documented

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

type Account struct {
	Name  string
	Views int
}

func TestReadmeProgramCounts(t *testing.T) {
	t.Parallel()
	e := echo.New()

	e.Use(echoadapter.Middleware(echoadapter.Config[Account]{}))

	e.GET("/", func(c echo.Context) error {
		s, err := session.Get[Account](c)
		if err != nil {
			return err
		}
		s.Data.Views++
		return c.String(http.StatusOK, strconv.Itoa(s.Data.Views))
	})

	var cookies []*http.Cookie
	for _, want := range []string{"1", "2", "3"} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, k := range cookies {
			req.AddCookie(k)
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		if got := rec.Body.String(); got != want {
			t.Errorf("a view of the page counts %s, want %s", got, want)
		}
		cookies = rec.Result().Cookies()
	}
}

func newStore(*testing.T) session.Store { return memstore.New(memstore.Options{}) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) session.Store { return newStore(t) })
}
