package mongostore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// Account is what a session holds.
type Account struct{ UserID int }

func ExampleOpen() {
	serve := func(ctx context.Context, e *echo.Echo) error {
		store, err := mongostore.Open(ctx, "mongodb://db0,db1,db2/app?replicaSet=rs0", mongostore.Options{})
		if err != nil {
			return err
		}
		defer store.Close()
		e.Use(echoadapter.Middleware(echoadapter.Config[Account]{
			Session: session.Config[Account]{Store: store},
		}))
		return e.Start(":8080")
	}
	_ = serve
}

func ExampleNew() {
	open := func(ctx context.Context, uri string) error {
		monitor := mongostore.NewMonitor()
		client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerMonitor(monitor.ServerMonitor()))
		if err != nil {
			return err
		}
		store, err := mongostore.New(ctx, client.Database("app").Collection("sessions"), mongostore.Options{Monitor: monitor})
		if err != nil {
			return err
		}
		return store.Close() // the client stays open
	}
	_ = open
}

type Visitor struct {
	Name string
	Rest map[string]json.RawMessage `json:",embed"` // what this version does not know
}

type VisitorInBSON struct {
	Name string
	Rest map[string]bson.RawValue `bson:",inline"` // the same, with mongostore.BSON()
}

// An older version of an application changes what a newer one stored, and keeps
// the Theme, which it does not know.
func ExampleBSON() {
	newer := struct{ Name, Theme string }{"Ada", "dark"}
	for _, tt := range []struct {
		codec  session.Codec
		older  any
		rename func(older any)
	}{
		{session.JSON(), new(Visitor), func(v any) { v.(*Visitor).Name = "Grace" }},
		{mongostore.BSON(), new(VisitorInBSON), func(v any) { v.(*VisitorInBSON).Name = "Grace" }},
	} {
		data, _ := tt.codec.Marshal(&newer)
		_ = tt.codec.Unmarshal(data, tt.older)
		tt.rename(tt.older)
		data, _ = tt.codec.Marshal(tt.older)
		again := newer
		fmt.Println(tt.codec.Unmarshal(data, &again), again)
	}
	// Output:
	// <nil> {Grace dark}
	// <nil> {Grace dark}
}

// The code in docs/mongodb.md is a part of the examples above, which are compiled.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/mongodb.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("the guide has no code")
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(unindented(string(examples)), unindented(code)) {
			t.Errorf("not in the examples:\n%s", code)
		}
	}
}

func unindented(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
