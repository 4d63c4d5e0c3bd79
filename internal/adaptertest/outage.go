package adaptertest

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

const reconnect = 5 * time.Second

// outage is a part of a test with a store that may lose its connection, and with
// a client that has a session there.
func outage(name string, run func(t *testing.T, s *site, store *statusStore, b *browser)) test {
	return test{name: name, run: func(t *testing.T, e env) {
		synctest.Test(t, func(t *testing.T) {
			store := newStatusStore(session.StatusConnected)
			s := e.open(t, config{Session: sessions{Store: store, ReconnectTimeout: reconnect}})
			run(t, s, store, s.returning())
		})
	}}
}

// TestOutage is about a store that reports its connection.
func TestOutage(t *testing.T, e env) {
	each(t, e, []test{
		outage("disconnected: a request waits so long, then it fails", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			r := <-b.start("/count")
			r.expectIn(t, reconnect, http.StatusServiceUnavailable)
			r.expectNoCookie(t)
		}),
		outage("reconnected in time: the request is served", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			done := b.start("/count")
			time.Sleep(3 * time.Second)
			s.expectCalls()
			store.connect()
			r := <-done
			r.expectIn(t, 3*time.Second, http.StatusOK)
			r.expect(t, http.StatusOK, "2")
		}),
		outage("a second disconnect does not start the wait again", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			time.Sleep(3 * time.Second)
			store.disconnect()
			(<-b.start("/count")).expectIn(t, reconnect-3*time.Second, http.StatusServiceUnavailable)
		}),
		outage("connecting after a disconnect does not either", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			time.Sleep(3 * time.Second)
			store.report(session.StatusConnecting)
			(<-b.start("/count")).expectIn(t, reconnect-3*time.Second, http.StatusServiceUnavailable)
		}),
		outage("unavailable for long: requests fail at once, except for one a second that tries", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			time.Sleep(reconnect)
			for range 3 {
				for range 4 {
					(<-b.start("/count")).expectIn(t, 0, http.StatusServiceUnavailable)
				}
				s.expectCalls("load")
				time.Sleep(time.Second)
			}
		}),
		outage("a missed report does not refuse everybody", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			time.Sleep(2 * reconnect)
			store.heal() // without a report
			(<-b.start("/count")).expectIn(t, 0, http.StatusOK)
			(<-b.start("/count")).expectIn(t, 0, http.StatusOK)
			s.expectEvents(session.EventStoreUp, 1)
		}),
		outage("connected after a long outage: served as if nothing had been", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			time.Sleep(2 * reconnect)
			(<-b.start("/count")).expectIn(t, 0, http.StatusServiceUnavailable)
			store.connect()
			r := <-b.start("/count")
			r.expect(t, http.StatusOK, "2")
			s.expectEvents(session.EventStoreDown, 1)
			s.expectEvents(session.EventStoreUp, 1)
		}),
		outage("requests that need no store do not wait", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			(<-s.browser().start("/read")).expectIn(t, 0, http.StatusOK)
			(<-s.browser().start("/unused")).expectIn(t, 0, http.StatusNoContent)
			(<-s.browserWith("not a token").start("/read")).expectIn(t, 0, http.StatusOK)
		}),
		outage("a request waits no longer than its own context", func(t *testing.T, s *site, store *statusStore, b *browser) {
			s.within = func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			}
			store.disconnect()
			(<-b.start("/count")).expectIn(t, time.Second, http.StatusServiceUnavailable)
		}),
		outage("a save waits like a load", func(t *testing.T, s *site, store *statusStore, b *browser) {
			s.on("/lose", func(_ Context, v *visit) error { store.disconnect(); v.Data.Count++; return nil })
			done := b.start("/lose")
			time.Sleep(3 * time.Second)
			store.connect()
			(<-done).expectIn(t, 3*time.Second, http.StatusOK)
			s.expectStored(b.id(), Visits{Count: 2})
			r := <-b.start("/lose")
			r.expectIn(t, reconnect, http.StatusServiceUnavailable)
			r.expectNoCookie(t)
		}),
		outage("a wait that ended well leaves no timer that later takes the store for dead", func(t *testing.T, s *site, store *statusStore, b *browser) {
			store.disconnect()
			waiting := b.start("/read")
			time.Sleep(time.Second)
			store.connect()
			(<-waiting).expectIn(t, time.Second, http.StatusOK)
			for range 10 { // past the end of the wait, and well beyond it
				time.Sleep(time.Second)
				(<-b.start("/count")).expectIn(t, 0, http.StatusOK)
			}
			s.expectEvents(session.EventStoreDown, 1)
			s.expectEvents(session.EventStoreUp, 1)
		}),
		outage("each outage has the whole time-out, and not what was left of it before", func(t *testing.T, s *site, store *statusStore, b *browser) {
			for range 3 {
				store.disconnect()
				waiting := b.start("/count")
				time.Sleep(reconnect - time.Millisecond)
				store.connect()
				(<-waiting).expectIn(t, reconnect-time.Millisecond, http.StatusOK)
			}
		}),
		{name: "a store that is still connecting is waited for from the start", run: func(t *testing.T, e env) {
			synctest.Test(t, func(t *testing.T) {
				store := newStatusStore(session.StatusConnecting)
				s := e.open(t, config{Session: sessions{Store: store}})
				first := s.browser().start("/count")
				time.Sleep(9 * time.Second) // the time-out is 10 s by default
				store.report(session.StatusConnected)
				(<-first).expectIn(t, 9*time.Second, http.StatusOK)
			})
		}},
		{name: "a time-out of next to nothing does not wait", run: func(t *testing.T, e env) {
			store := newStatusStore(session.StatusConnected)
			s := e.open(t, config{Session: sessions{Store: store, ReconnectTimeout: 1}})
			b := s.returning()
			store.disconnect()
			b.get("/count").expectStatus(t, http.StatusServiceUnavailable)
			store.connect()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
	})
}
