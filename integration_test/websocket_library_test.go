package integration_test

import (
	"context"
	"net/http"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
)

// socket is a connection of either library, at either end.
type socket interface {
	read() (string, error)
	write(text string) error
	close()
}

// library is a websocket library: how its server upgrades a request, with a
// header of its own, and how its client asks for that.
type library struct {
	name   string
	accept func(c echo.Context, header http.Header) (socket, error)
	dial   func(ctx context.Context, url string, header http.Header) (socket, *http.Response, error)

	// sendsHeader: it answers through WriteHeader, so that the response has the
	// header of the request's ResponseWriter. Otherwise it takes the connection
	// over and writes all of the response itself.
	sendsHeader bool
}

var libraries = []library{
	{
		name:        "coder",
		sendsHeader: true,
		accept: func(c echo.Context, header http.Header) (socket, error) {
			for field, lines := range header {
				c.Response().Header()[field] = lines
			}
			conn, err := coder.Accept(c.Response(), c.Request(), nil)
			return coderSocket{context.WithoutCancel(c.Request().Context()), conn}, err
		},
		dial: func(ctx context.Context, url string, header http.Header) (socket, *http.Response, error) {
			conn, res, err := coder.Dial(ctx, url, &coder.DialOptions{HTTPHeader: header})
			return coderSocket{ctx, conn}, res, err
		},
	},
	{
		name: "gorilla",
		accept: func(c echo.Context, header http.Header) (socket, error) {
			conn, err := new(gorilla.Upgrader).Upgrade(c.Response(), c.Request(), header)
			return gorillaSocket{conn}, err
		},
		dial: func(ctx context.Context, url string, header http.Header) (socket, *http.Response, error) {
			conn, res, err := gorilla.DefaultDialer.DialContext(ctx, url, header)
			return gorillaSocket{conn}, res, err
		},
	},
}

type coderSocket struct {
	ctx  context.Context
	conn *coder.Conn
}

func (s coderSocket) read() (string, error) {
	_, text, err := s.conn.Read(s.ctx)
	return string(text), err
}
func (s coderSocket) write(text string) error {
	return s.conn.Write(s.ctx, coder.MessageText, []byte(text))
}
func (s coderSocket) close() { _ = s.conn.CloseNow() }

type gorillaSocket struct{ conn *gorilla.Conn }

func (s gorillaSocket) read() (string, error) {
	_, text, err := s.conn.ReadMessage()
	return string(text), err
}
func (s gorillaSocket) write(text string) error {
	return s.conn.WriteMessage(gorilla.TextMessage, []byte(text))
}
func (s gorillaSocket) close() { _ = s.conn.Close() }
