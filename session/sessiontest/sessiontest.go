// Package sessiontest makes sessions for the tests of an application's own
// handlers.
package sessiontest

import (
	"context"
	"fmt"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// New stores a new session with data and puts it into c, which may be an
// echo.Context. A handler that is called with c finds the session with
// [session.Get], without any middleware.
//
// The session has a Manager and a store of its own. New returns the same
// session that the handler gets, with the changes that the handler makes. There
// is no response, so the changes are stored only if the handler calls Save.
//
// New panics if a session cannot store a T.
func New[T any](c interface{ Set(key string, value any) }, data T) *session.Session[T] {
	s, err := newSession(c, data)
	if err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	return s
}

func newSession[T any](c interface{ Set(key string, value any) }, data T) (*session.Session[T], error) {
	ctx := context.Background()
	const cookie = "sessiontest"
	m, err := session.New(session.Config[T]{
		Store:  memstore.New(memstore.Options{}),
		Cookie: session.Cookie{Name: cookie},
	})
	if err != nil {
		return nil, err
	}
	token, err := Token(ctx, m, data)
	if err != nil {
		return nil, err
	}
	x := m.Begin(nil, session.BeginOptions[T]{Cookies: []string{cookie + "=" + token}})
	if _, err := x.Bind(carrier{c}); err != nil {
		return nil, err
	}
	return x.Session(ctx)
}

// carrier adds the method Get to a value that has only Set.
type carrier struct {
	setter interface{ Set(key string, value any) }
}

func (c carrier) Set(key string, value any) { c.setter.Set(key, value) }

func (c carrier) Get(key string) any {
	if g, ok := c.setter.(session.Carrier); ok {
		return g.Get(key)
	}
	return nil
}

// Token stores a new session with data in the store of m, and returns its
// token. A test that sends requests through the middleware uses the token as
// the value of the session cookie.
func Token[T any](ctx context.Context, m *session.Manager[T], data T) (string, error) {
	s, err := m.Start(ctx)
	if err != nil {
		return "", err
	}
	s.Data = data
	if err := s.Save(ctx); err != nil {
		return "", err
	}
	return s.Token(), nil
}
