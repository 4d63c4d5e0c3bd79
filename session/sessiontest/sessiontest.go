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
	x := m.Begin(nil, session.Request[T]{Cookies: []string{cookie + "=" + token}})
	x.Bind(c)
	s, err := x.Session(ctx)
	if err != nil {
		panic(fmt.Sprintf("sessiontest: %v", err))
	}
	return s
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
