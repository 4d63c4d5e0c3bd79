// Package sessiontest is for tests of an application's own handlers.
package sessiontest

import (
	"context"
	"fmt"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// New stores a session with data in a store of its own and puts it into c, such
// as an echo.Context: a handler called with c finds it by session.Get, without
// any middleware. What the handler changed is in the session that New returns;
// nothing is committed, since there is no response to wait for. It panics where
// a T cannot be stored.
func New[T any](c interface{ Set(key string, value any) }, data T) *session.Session[T] {
	ctx := context.Background()
	const cookie = "sessiontest"
	m, err := session.New(session.Config[T]{
		Store:  memstore.New(memstore.Options{}),
		Cookie: session.Cookie{Name: cookie},
	})
	if err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	token, err := Token(ctx, m, data)
	if err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	x := m.Begin(nil, session.BeginOptions[T]{Cookies: []string{cookie + "=" + token}})
	if _, err := x.Bind(carrier{c}); err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	s, err := x.Session(ctx)
	if err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	return s
}

// carrier is something that may only be able to take a session.
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

// Token stores a session with data in m's store and returns its token, for
// tests that go through the whole stack: it is the value of the cookie.
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
