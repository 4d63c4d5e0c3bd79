package integration_test

import (
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/session"
)

// converse counts each message and saves it before it answers.
func converse(c echo.Context, s *session.Session[chat], conn socket) error {
	for {
		text, err := conn.read()
		if err != nil || text == "bye" {
			return nil
		}
		s.Data.Messages++
		s.Data.Last = text
		if text == "renew" {
			s.Renew()
		}
		answer := s.Token()
		if err := s.Save(c.Request().Context()); err != nil {
			answer = "error: " + err.Error()
		}
		if err := conn.write(answer); err != nil {
			return nil
		}
	}
}

// converseOnce sends a message and returns the answer: the session's token.
func converseOnce(t *testing.T, conn socket, text string) string {
	t.Helper()
	if err := conn.write(text); err != nil {
		t.Fatalf("sending a message: %v", err)
	}
	answer, err := conn.read()
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	if strings.HasPrefix(answer, "error: ") {
		t.Fatalf("the answer to %q is %q, expected that it was saved", text, answer)
	}
	return answer
}

func TestWebsocketSavesDuringTheConversation(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, converse))
		token := site.token(7)
		conn, _ := site.connect(token)
		for i, text := range []string{"hello", "anybody?"} {
			if got := converseOnce(t, conn, text); got != token {
				t.Errorf("the answer is %q, expected the token that it was", got)
			}
			site.expectStored(token, chat{Messages: 8 + i, Last: text})
		}
		if err := conn.write("bye"); err != nil {
			t.Errorf("sending the last message: %v", err)
		}
		site.expectLost(0)
	})
}

// Two conversations of one session: the store has what both changed.
func TestWebsocketsOfOneSessionMerge(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, func(c echo.Context, s *session.Session[chat], conn socket) error {
			for {
				text, err := conn.read()
				if err != nil {
					return nil
				}
				answer := "ok"
				if err := s.Update(c.Request().Context(), func(d *chat) error { d.Messages++; d.Last = text; return nil }); err != nil {
					answer = "error: " + err.Error()
				}
				if err := conn.write(answer); err != nil {
					return nil
				}
			}
		}))
		token := site.token(0)
		first, _ := site.connect(token)
		second, _ := site.connect(token)
		for i := range 3 {
			for _, conn := range []socket{first, second} {
				if got := converseOnce(t, conn, "hello"); got != "ok" {
					t.Errorf("update %d is answered %q, expected ok", i, got)
				}
			}
		}
		site.expectStored(token, chat{Messages: 6, Last: "hello"})
	})
}

// After the upgrade the handler can send a token itself: Save stores a new
// session, and a new token.
func TestWebsocketSavesANewSession(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, converse))
		conn, res := site.connect("")
		expectNoCookie(t, res)
		token := converseOnce(t, conn, "hello")
		site.expectStored(token, chat{Messages: 1, Last: "hello"})
		again, _ := site.connect(token)
		if got := converseOnce(t, again, "hello again"); got != token {
			t.Errorf("the next request answers %q, expected the same token", got)
		}
		site.expectStored(token, chat{Messages: 2, Last: "hello again"})
	})
}

func TestWebsocketRenewsTheToken(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, converse))
		old := site.token(7)
		conn, _ := site.connect(old)
		token := converseOnce(t, conn, "renew")
		if token == old {
			t.Fatal("Renew left the token as it was, expected another")
		}
		site.expectStored(token, chat{Messages: 8, Last: "renew"})
		if s, err := site.manager.Open(t.Context(), old); err == nil {
			t.Errorf("the old token opens %+v, expected an error", s)
		}
	})
}

// What changes in the conversation and is not saved is lost, and observed.
func TestWebsocketTellsOfLostChanges(t *testing.T) {
	each(t, func(t *testing.T, l library) {
		site := serveChat(t, l, upgrading(l, nil, func(c echo.Context, s *session.Session[chat], conn socket) error {
			s.Data.Messages = 99
			return greet(c, s, conn)
		}))
		token := site.token(7)
		conn, _ := site.connect(token)
		expectText(t, conn, "99")
		site.expectLost(1)
		site.expectStored(token, chat{Messages: 7})
	})
}
