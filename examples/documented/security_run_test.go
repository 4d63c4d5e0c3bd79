package documented

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// The functions of the application that the recipes call.

func authenticate(c echo.Context) (string, error) { return c.FormValue("user"), nil }

func verifySecondFactor(_ echo.Context, user string) error { return known(user) }

func storePassword(_ echo.Context, user string) error { return known(user) }

func known(user string) error {
	if user == "" {
		return echo.ErrUnauthorized
	}
	return nil
}

func markDisabled(context.Context, string) error { return nil }

// memberSite serves the recipes.
func memberSite(t *testing.T) (*echo.Echo, *session.Manager[Member]) {
	t.Helper()
	key := bytes.Repeat([]byte("k"), 32)
	sessions, err := memberSessions(memstore.New(memstore.Options{}), [][]byte{key}, [][]byte{key})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(echoadapter.Middleware(echoadapter.Config[Member]{Manager: sessions}))
	e.POST("/log-in", logIn)
	e.POST("/second-factor", showSecondFactor)
	e.POST("/transfer", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, needsSecondFactor)
	e.POST("/log-out", logOut)
	e.POST("/password", changePassword)
	e.GET("/devices", listDevices)
	e.DELETE("/devices/:id", endDevice)
	return e, sessions
}

// visitor is one browser. Its name is its User-Agent.
type visitor struct {
	e     *echo.Echo
	name  string
	token string
}

func (v *visitor) do(t *testing.T, method, path string, want int) string {
	t.Helper()
	req := httptest.NewRequest(method, "https://example.com"+path, nil)
	req.Header.Set("User-Agent", v.name)
	if v.token != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-echo.sid", Value: v.token})
	}
	rec := httptest.NewRecorder()
	v.e.ServeHTTP(rec, req)
	if rec.Code != want {
		t.Errorf("%s %s %s: %d %s, want %d", v.name, method, path, rec.Code, rec.Body, want)
	}
	for _, k := range rec.Result().Cookies() {
		v.token = k.Value
	}
	return rec.Body.String()
}

func TestRecipes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, sessions := memberSite(t)
		phone, laptop, thief := &visitor{e: e, name: "phone"}, &visitor{e: e, name: "laptop"}, &visitor{e: e, name: "thief"}
		phone.do(t, "POST", "/log-in?user=ada", http.StatusNoContent)
		laptop.do(t, "POST", "/log-in?user=ada", http.StatusNoContent)

		// The second factor gives another token, and counts for five minutes.
		thief.token = laptop.token
		laptop.do(t, "POST", "/transfer", http.StatusForbidden)
		laptop.do(t, "POST", "/second-factor", http.StatusNoContent)
		laptop.do(t, "POST", "/transfer", http.StatusNoContent)
		thief.do(t, "POST", "/transfer", http.StatusForbidden)
		time.Sleep(6 * time.Minute)
		laptop.do(t, "POST", "/transfer", http.StatusForbidden)

		if list := phone.do(t, "GET", "/devices", http.StatusOK); strings.Count(list, `"LastSeen"`) != 2 || !strings.Contains(list, "laptop") {
			t.Errorf("the devices are %s, want the phone and the laptop", list)
		}
		stolen := &visitor{e: e, name: "phone", token: phone.token}
		phone.do(t, "POST", "/password", http.StatusNoContent)
		for name, other := range map[string]*visitor{"the laptop": laptop, "the token from before": stolen} {
			if list := other.do(t, "GET", "/devices", http.StatusOK); list != "[]\n" {
				t.Errorf("after a change of the password %s sees %s, want nothing", name, list)
			}
		}
		laptop.do(t, "POST", "/log-in?user=ada", http.StatusNoContent)
		laptopID, _, _ := strings.Cut(laptop.token, ".")
		phone.do(t, "DELETE", "/devices/"+laptopID, http.StatusNoContent)
		phone.do(t, "DELETE", "/devices/"+laptopID, http.StatusNotFound)

		stolen.token = phone.token
		phone.do(t, "POST", "/log-out", http.StatusNoContent)
		stolen.do(t, "POST", "/second-factor", http.StatusUnauthorized)
		stolen.do(t, "POST", "/transfer", http.StatusForbidden)

		laptop.do(t, "POST", "/log-in?user=ada", http.StatusNoContent)
		if err := disableAccount(t.Context(), sessions, "ada"); err != nil {
			t.Errorf("disableAccount: %v", err)
		}
		laptop.do(t, "POST", "/transfer", http.StatusForbidden)
	})
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	_, sessions := memberSite(t)
	e := echo.New()
	crossOrigin(e, sessions)
	e.POST("/log-in", logIn)
	req := httptest.NewRequest("POST", "/log-in?user=ada", nil)
	req.Header.Set("Origin", "https://app.example.com")
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	if rec.Header().Get("X-Session") == "" || rec.Header().Get("Access-Control-Expose-Headers") != "X-Session" {
		t.Errorf("the header is %v, want a token that scripts may read", rec.Header())
	}
}
