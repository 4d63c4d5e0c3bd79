package session_test

import (
	"context"
	"fmt"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// Account is the Data of the sessions of the examples.
type Account struct {
	User string
	Cart []string
}

// newAccounts makes the Manager of the examples.
func newAccounts() *session.Manager[Account] {
	m, err := session.New(session.Config[Account]{
		Store: memstore.New(memstore.Options{}),
		User:  func(a *Account) string { return a.User },
	})
	if err != nil {
		panic(err)
	}
	return m
}

// A program starts a session outside of a request, stores it, and opens it
// again with the token that it gave to the client.
func Example() {
	ctx, m := context.Background(), newAccounts()
	s, err := m.Start(ctx)
	if err != nil {
		panic(err)
	}
	s.Data.User = "ada"
	if err := s.Save(ctx); err != nil {
		panic(err)
	}

	opened, err := m.Open(ctx, s.Token())
	if err != nil {
		panic(err)
	}
	fmt.Println(opened.Data.User, opened.ID() == s.ID())
	// Output: ada true
}

// A handler gets the session of its request, and changes its Data.
func ExampleGet() {
	handler := func(c session.Carrier) error {
		s, err := session.Get[Account](c)
		if err != nil {
			return err
		}
		s.Data.Cart = append(s.Data.Cart, "apple")
		return nil
	}

	c := newCarrier() // in a program, the context of the request
	s := sessiontest.New(c, Account{User: "ada"})
	if err := handler(c); err != nil {
		panic(err)
	}
	fmt.Println(s.Data.Cart)
	// Output: [apple]
}

// A background job changes a session by its id.
func ExampleManager_Update() {
	ctx, m := context.Background(), newAccounts()
	token, err := sessiontest.Token(ctx, m, Account{User: "ada"})
	if err != nil {
		panic(err)
	}
	s, err := m.Open(ctx, token)
	if err != nil {
		panic(err)
	}

	err = m.Update(ctx, s.ID(), func(a *Account) error {
		a.Cart = append(a.Cart, "gift")
		return nil
	})
	if err != nil {
		panic(err)
	}
	info, err := m.Find(ctx, s.ID())
	fmt.Println(info.Data.Cart, err)
	// Output: [gift] <nil>
}

// A user sees the devices that are logged in, and ends all of them.
func ExampleManager_Sessions() {
	ctx, m := context.Background(), newAccounts()
	for range 2 {
		if _, err := sessiontest.Token(ctx, m, Account{User: "ada"}); err != nil {
			panic(err)
		}
	}

	devices := 0
	for _, err := range m.Sessions(ctx, "ada") {
		if err != nil {
			panic(err)
		}
		devices++
	}
	ended, err := m.DeleteUser(ctx, "ada")
	fmt.Println(devices, ended, err)
	// Output: 2 2 <nil>
}
