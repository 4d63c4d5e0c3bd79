package adaptertest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Serve starts a server for handler. It has no socket. Its connections are pipes,
// so that it also works in a bubble of synctest: nothing there waits for the
// network. Its client connects to it by every name.
func Serve(t *testing.T, handler http.Handler) *httptest.Server {
	pipes := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &httptest.Server{Listener: pipes, Config: &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}}
	server.Start()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.DialContext = pipes.dial
	// As through a proxy that ends TLS: the client believes that it has a
	// connection of https, and the server gets plain http.
	transport.DialTLSContext = pipes.dial
	transport.DisableCompression = true
	server.Client().CheckRedirect = dontFollow
	return server
}

func dontFollow(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// pipes is a listener in memory.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- pipe{server}:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return loopback }

// pipe is the server's end of a connection from the same machine.
type pipe struct{ net.Conn }

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}

func (pipe) RemoteAddr() net.Addr { return loopback }
func (pipe) LocalAddr() net.Addr  { return loopback }
