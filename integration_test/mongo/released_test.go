package mongo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// What two versions of an application know of a session. The newer one has
// another name for Note, and more.
type (
	olderData struct {
		Name string
		Note string
		Seen map[string]int
	}
	newerData struct {
		Name   string
		Memo   string
		Seen   map[string]int
		Theme  string
		Labels map[string]int64
	}
	// release is the T of a version; R is where it keeps what it does not know.
	release[Data, R any] struct {
		Known Data `json:",embed" bson:",inline"`
		Rest  R    `json:",embed" bson:",inline"`
	}
	nowhere struct{}
)

// released is a running version: GET / reads, and ?key= makes the change that
// is the key's own.
type released[Data any] struct {
	*echo.Echo
	mu  sync.Mutex
	err error // the last that was answered
}

func serve[Data, R any](t *testing.T, cfg session.Config[release[Data, R]], change func(d *Data, key string)) *released[Data] {
	t.Helper()
	v := &released[Data]{Echo: echo.New()}
	v.HTTPErrorHandler = func(err error, c echo.Context) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.err = err
		v.DefaultHTTPErrorHandler(err, c)
	}
	mw, err := echoadapter.Config[release[Data, R]]{Session: cfg}.ToMiddleware()
	must(t, "session.Config", err)
	v.GET("/", func(c echo.Context) error {
		s, err := session.Get[release[Data, R]](c)
		if err != nil {
			return err
		}
		if key := c.QueryParam("key"); key != "" {
			change(&s.Data.Known, key)
		}
		return c.JSON(http.StatusOK, s.Data.Known)
	}, mw)
	return v
}

// get returns the status, what the version showed of the session, and its cookie.
func (v *released[Data]) get(t *testing.T, cookie *http.Cookie, key string) (status int, shown Data, next *http.Cookie) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "https://example.com/?key="+key, nil)
	if cookie != nil {
		req.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, req)
	next = cookie
	for _, c := range rec.Result().Cookies() {
		next = c
	}
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &shown); err != nil {
			t.Errorf("answer %q: %v", rec.Body, err)
		}
	}
	return rec.Code, shown, next
}

func (v *released[Data]) lastError() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
