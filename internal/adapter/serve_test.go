package adapter_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// A middleware further in may put its own writer around ours and leave it there.
func TestWriterThatWasWrappedStays(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(h *host) error{
		"a page":       func(h *host) error { _, err := h.w.Write([]byte("page")); return err },
		"nothing":      func(*host) error { return nil },
		"a late error": func(h *host) error { _, _ = h.w.Write([]byte("page")); return http.ErrNoCookie },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, session.Config[visits]{}, options{})
			type wrapper struct{ http.ResponseWriter }
			h, _, _ := s.serve("", func(h *host) error {
				h.w = wrapper{h.w}
				return handler(h)
			})
			if _, still := h.w.(wrapper); !still {
				t.Errorf("the writer is %T afterwards, expected the wrapper", h.w)
			}
		})
	}
}

// What Serve returns, and what it does to the framework's response.
func TestServeAfterTheHandler(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("the handler's own")
	down := fmt.Errorf("saving the page: %w", session.ErrUnavailable)
	write := func(h *host) { _, _ = h.w.Write([]byte("page")) }
	for name, tt := range map[string]struct {
		handler func(h *host) error
		status  int   // of the framework's error; 0: it is err as it is
		err     error // inside of what Serve returns
		sent    bool
		reopens int
	}{
		"nothing":                    {func(*host) error { return nil }, 0, nil, false, 0},
		"a page":                     {func(h *host) error { write(h); return nil }, 0, nil, true, 0},
		"a flush":                    {func(h *host) error { return http.NewResponseController(h.w).Flush() }, 0, nil, true, 0},
		"an error":                   {func(*host) error { return errOwn }, 0, errOwn, false, 1},
		"a page, then an error":      {func(h *host) error { write(h); return errOwn }, 0, errOwn, true, 0},
		"no store":                   {func(*host) error { return down }, http.StatusServiceUnavailable, down, false, 1},
		"a page, then no store":      {func(h *host) error { write(h); return down }, http.StatusServiceUnavailable, down, true, 0},
		"a 103, then an error":       {func(h *host) error { h.w.WriteHeader(http.StatusEarlyHints); return errOwn }, 0, errOwn, false, 1},
		"an error with a status":     {func(*host) error { return &statusError{418, down} }, http.StatusTeapot, down, false, 1},
		"a status inside of another": {func(*host) error { return fmt.Errorf("x: %w", &statusError{418, down}) }, http.StatusTeapot, down, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, session.Config[visits]{}, options{})
			h, _, err := s.serve("", tt.handler)
			if !errors.Is(err, tt.err) {
				t.Errorf("Serve returned %v, expected %v", err, tt.err)
			}
			if framework, ok := errors.AsType[*statusError](err); ok != (tt.status != 0) || ok && framework.status != tt.status {
				t.Errorf("Serve returned %v, expected an error of the framework with the status %d", err, tt.status)
			}
			if h.sent != tt.sent {
				t.Errorf("the framework takes the response for begun: %t, expected %t", h.sent, tt.sent)
			}
			if len(h.lost) != tt.reopens {
				t.Errorf("the response was reopened %d times, expected %d", len(h.lost), tt.reopens)
			}
		})
	}
}
