package integration_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/session"
)

// each runs test for each library.
func each(t *testing.T, test func(t *testing.T, l library)) {
	t.Parallel()
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

// upgrading changes the session by before, if any, and then upgrades to a
// websocket for during.
func upgrading(l library, before func(*session.Session[chat]), during func(c echo.Context, s *session.Session[chat], conn socket) error) func(echo.Context, *session.Session[chat]) error {
	return func(c echo.Context, s *session.Session[chat]) error {
		if before != nil {
			before(s)
		}
		conn, err := l.accept(c, nil)
		if err != nil {
			return err
		}
		defer conn.close()
		return during(c, s, conn)
	}
}

func greet(_ echo.Context, s *session.Session[chat], conn socket) error {
	return conn.write(fmt.Sprint(s.Data.Messages))
}

func count(s *session.Session[chat]) { s.Data.Messages++ }

func TestWebsocketReadsTheSession(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, greet))
		conn, res := site.connect(site.token(7))
		expectText(t, conn, "7")
		expectNoCookie(t, res)
		site.expectLost(0)

		conn, res = site.connect("")
		expectText(t, conn, "0")
		expectNoCookie(t, res)
		site.expectLost(0)
	})
}

// What changes before the upgrade is in the store when the client has the 101.
func TestWebsocketSavesWhatChangedBeforeTheUpgrade(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, count, greet))
		token := site.token(7)
		conn, res := site.connect(token)
		site.expectStored(token, chat{Messages: 8})
		expectText(t, conn, "8")
		if l.sendsHeader {
			if got := expectToken(t, res); got != token {
				t.Errorf("the cookie has the token %q, expected the one that it was", got)
			}
		} else {
			expectNoCookie(t, res)
		}
		site.expectLost(0)
	})
}

// A new session needs its cookie in the response to the upgrade. If the library
// leaves the header out, nothing is stored, and the loss is observed.
func TestWebsocketOfANewSession(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, count, greet))
		conn, res := site.connect("")
		expectText(t, conn, "1")
		if l.sendsHeader {
			site.expectStored(expectToken(t, res), chat{Messages: 1})
			site.expectLost(0)
			return
		}
		expectNoCookie(t, res)
		site.expectLost(1)
		if n := site.memory.Len(); n != 0 {
			t.Errorf("the store has %d sessions, expected none", n)
		}
	})
}

// The way out of that: Save before the upgrade, and send the token oneself.
func TestWebsocketOfANewSessionThatIsSavedBefore(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, func(c echo.Context, s *session.Session[chat]) error {
			s.Data.Messages++
			if err := s.Save(c.Request().Context()); err != nil {
				return err
			}
			header := http.Header{}
			if !l.sendsHeader {
				header.Set("Set-Cookie", (&http.Cookie{Name: cookieName, Value: s.Token(), Path: "/", HttpOnly: true}).String())
			}
			conn, err := l.accept(c, header)
			if err != nil {
				return err
			}
			defer conn.close()
			return greet(c, s, conn)
		})
		conn, res := site.connect("")
		expectText(t, conn, "1")
		site.expectStored(expectToken(t, res), chat{Messages: 1})
		site.expectLost(0)
	})
}

// A save that fails is answered instead of the upgrade.
func TestWebsocketIsRefusedWhereTheSaveFails(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, count, func(echo.Context, *session.Session[chat], socket) error {
			t.Error("the conversation began, expected an error of the upgrade")
			return nil
		}))
		token := site.token(7)
		site.store.fail()
		conn, res, err := site.dial(token)
		if err == nil {
			conn.close()
			t.Fatal("the upgrade succeeded, expected 503")
		}
		if res == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("the upgrade is answered %+v, %v, expected 503", res, err)
		}
		expectNoCookie(t, res)
		site.expectStored(token, chat{Messages: 7})
	})
}
