package adapter_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/session"
)

func TestWriteHeader(t *testing.T) {
	t.Parallel()
	cookie := &http.Cookie{Name: "sid", Value: "new"}
	for name, tt := range map[string]struct {
		out     session.Outcome
		carrier string
		before  http.Header
		want    http.Header
	}{
		"nothing": {session.Outcome{}, "Cookie", http.Header{"Etag": {"1"}}, http.Header{"Etag": {"1"}}},
		"a cookie": {session.Outcome{Action: session.ActionSet, Cookie: cookie}, "Cookie",
			http.Header{"Etag": {"1"}},
			http.Header{"Etag": {"1"}, "Set-Cookie": {"sid=new"}, "Cache-Control": {"no-store"}}},
		"a cookie again": {session.Outcome{Action: session.ActionSet, Cookie: cookie}, "Cookie",
			http.Header{"Set-Cookie": {"sid=old; Path=/", "other=1", "sid=older"}},
			http.Header{"Set-Cookie": {"other=1", "sid=new"}, "Cache-Control": {"no-store"}}},
		"a cookie to be cleared": {session.Outcome{Action: session.ActionClear, Cookie: &http.Cookie{Name: "sid", MaxAge: -1}}, "Cookie",
			http.Header{"Set-Cookie": {"sid=old"}},
			http.Header{"Set-Cookie": {"sid=; Max-Age=0"}, "Cache-Control": {"no-store"}}},
		"private": {session.Outcome{Action: session.ActionSet, Cookie: cookie}, "Cookie",
			http.Header{"Cache-Control": {"private"}},
			http.Header{"Set-Cookie": {"sid=new"}, "Cache-Control": {"private"}}},
		"a token for a field": {session.Outcome{Action: session.ActionSet, Token: "id.new"}, "X-Session",
			http.Header{"X-Session": {"id.old", "id.older"}, "Cache-Control": {"public"}},
			http.Header{"X-Session": {"id.new"}, "Cache-Control": {"no-store"}}},
		"a field to be cleared": {session.Outcome{Action: session.ActionClear}, "X-Session",
			http.Header{"X-Session": {"id.old"}},
			http.Header{"X-Session": {""}, "Cache-Control": {"no-store"}}},
		"a token for nobody":  {session.Outcome{Action: session.ActionSet, Token: "id.new"}, "Cookie", http.Header{}, http.Header{}},
		"only read":           {session.Outcome{Read: true}, "Cookie", http.Header{}, http.Header{"Vary": {"Cookie"}}},
		"read from a header":  {session.Outcome{Read: true}, "X-Session", http.Header{}, http.Header{"Vary": {"X-Session"}}},
		"read, and varies":    {session.Outcome{Read: true}, "Cookie", http.Header{"Vary": {"Accept"}}, http.Header{"Vary": {"Accept", "Cookie"}}},
		"read, varies enough": {session.Outcome{Read: true}, "Cookie", http.Header{"Vary": {"Accept, cookie"}}, http.Header{"Vary": {"Accept, cookie"}}},
		"read, and a cookie": {session.Outcome{Action: session.ActionSet, Cookie: cookie, Read: true}, "Cookie", http.Header{},
			http.Header{"Set-Cookie": {"sid=new"}, "Cache-Control": {"no-store"}, "Vary": {"Cookie"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var buf [1]string
			for _, times := range []string{"once", "twice"} {
				adapter.WriteHeader(tt.before, tt.out, tt.carrier, &buf)
				if !reflect.DeepEqual(tt.before, tt.want) {
					t.Errorf("written %s the header is %v, expected %v", times, tt.before, tt.want)
				}
			}
		})
	}
}
