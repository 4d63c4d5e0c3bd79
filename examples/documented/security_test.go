package documented

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

type Member struct {
	User   string    // "" until they sign in
	Second time.Time // when they last showed a second factor
	Device string    // for the list of devices; shown, but never trusted
}

// memberSessions makes the sessions of the recipes.
func memberSessions(store session.Store, signing, sealing [][]byte) (*session.Manager[Member], error) {
	return session.New(session.Config[Member]{
		Store:           store,
		User:            func(m *Member) string { return m.User },
		Cookie:          session.Cookie{Secure: session.SecureAlways}, // __Host-echo.sid
		MaxAge:          30 * time.Minute,
		Rolling:         true,
		AbsoluteTimeout: 12 * time.Hour,
		RenewAfter:      time.Hour,
		SigningKeys:     signing,
		EncryptionKeys:  sealing,
	})
}

func logIn(c echo.Context) error {
	user, err := authenticate(c)
	if err != nil {
		return err
	}
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	s.Regenerate() // nothing from before the log-in stays
	s.Data.User = user
	s.Data.Device = c.Request().UserAgent()
	return c.NoContent(http.StatusNoContent)
}

func showSecondFactor(c echo.Context) error {
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	if err := verifySecondFactor(c, s.Data.User); err != nil {
		return err
	}
	s.Renew() // a token from before the second factor must not be able to do more
	s.Data.Second = time.Now()
	return c.NoContent(http.StatusNoContent)
}

// needsSecondFactor lets a request pass only if its user has shown a second factor
// in the last five minutes.
func needsSecondFactor(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		m, err := session.Peek[Member](c)
		if err != nil {
			return err
		}
		if m.User == "" || time.Since(m.Second) > 5*time.Minute {
			return echo.NewHTTPError(http.StatusForbidden, "second factor required")
		}
		return next(c)
	}
}

func logOut(c echo.Context) error {
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	s.Destroy()
	return c.NoContent(http.StatusNoContent)
}

func changePassword(c echo.Context) error {
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	if err := storePassword(c, s.Data.User); err != nil { // asks for the old one, too
		return err
	}
	s.Renew()
	_, err = s.Manager().DeleteOthers(c.Request().Context(), s.Data.User, s.ID())
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type device struct {
	ID, Name string
	LastSeen time.Time
	Current  bool
}

func listDevices(c echo.Context) error {
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	devices := []device{}
	for info, err := range s.Manager().Sessions(c.Request().Context(), s.Data.User) {
		unreadable := errors.Is(err, session.ErrCorrupt) || errors.Is(err, session.ErrSchema)
		if err != nil && !unreadable {
			return err
		}
		devices = append(devices, device{info.ID, info.Data.Device, info.SeenAt, info.ID == s.ID()})
	}
	return c.JSON(http.StatusOK, devices)
}

func endDevice(c echo.Context) error {
	s, err := session.Get[Member](c)
	if err != nil {
		return err
	}
	err = s.Manager().DeleteOf(c.Request().Context(), s.Data.User, c.Param("id"))
	if errors.Is(err, session.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func disableAccount(ctx context.Context, sessions *session.Manager[Member], user string) error {
	if err := markDisabled(ctx, user); err != nil { // first, or they sign in again
		return err
	}
	_, err := sessions.DeleteUser(ctx, user)
	return err
}

// crossOrigin serves clients of another origin, which carry the token in a header.
func crossOrigin(e *echo.Echo, sessions *session.Manager[Member]) {
	e.Use(middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:  []string{"https://app.example.com"},
		AllowHeaders:  []string{"X-Session"},
		ExposeHeaders: []string{"X-Session"}, // or scripts cannot read the new token
	}))
	e.Use(echoadapter.Middleware(echoadapter.Config[Member]{Manager: sessions, Header: "X-Session"}))
}
