package echoadapter_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Faults of the middleware that this one succeeds: timers.

// A wait that ended well leaves no timer that later takes the store for dead.
func TestReconnectCancelsTheOutageTimer(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		synctest.Test(t, func(t *testing.T) {
			store := newStatusStore(session.StatusConnected)
			s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store, ReconnectTimeout: reconnect}})
			b := s.returning()
			store.disconnect()
			waiting := b.start("/read")
			time.Sleep(time.Second)
			store.connect()
			(<-waiting).expect(t, time.Second, http.StatusOK)
			for range 10 { // past the end of the wait, and well beyond it
				time.Sleep(time.Second)
				(<-b.start("/count")).expect(t, 0, http.StatusOK)
			}
			s.expectEvents(session.EventStoreDown, 1)
			s.expectEvents(session.EventStoreUp, 1)
		})
	})
}

// Each outage has the whole time-out, whatever was left of that before.
func TestSecondOutageIsWaitedForAfresh(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		synctest.Test(t, func(t *testing.T) {
			store := newStatusStore(session.StatusConnected)
			s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store, ReconnectTimeout: reconnect}})
			b := s.returning()
			for range 3 {
				store.disconnect()
				waiting := b.start("/count")
				time.Sleep(reconnect - time.Millisecond)
				store.connect()
				(<-waiting).expect(t, reconnect-time.Millisecond, http.StatusOK)
			}
		})
	})
}

func TestAgeOfManyDaysDoesNotEndAtOnce(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		for _, age := range []time.Duration{24 * day, 25 * day, 30 * day, 50 * day, 400 * day} {
			synctest.Test(t, func(t *testing.T) {
				s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{MaxAge: age}})
				b := s.browser()
				s.expectCookieAge(b.get("/count"), age)
				token := b.token()
				time.Sleep(age - time.Millisecond)
				s.browserWith(token).get("/read").expect(t, http.StatusOK, "1")
				time.Sleep(time.Millisecond)
				s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			})
		}
	})
}

// The store is told of the age, whatever kind of cookie goes with it.
func TestRecordEndsWithTheConfiguredAge(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		for _, browserSession := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
					MaxAge: 3 * time.Hour, Cookie: session.Cookie{BrowserSession: browserSession},
				}})
				b := s.returning()
				r, err := s.store.Store.Load(t.Context(), b.id())
				if err != nil {
					t.Fatalf("Load: %v", err)
				}
				if got := time.Until(r.ExpiresAt); got != 3*time.Hour {
					t.Errorf("BrowserSession %t: the record ends in %v, expected 3h", browserSession, got)
				}
				time.Sleep(3 * time.Hour)
				if _, err := s.store.Store.Load(t.Context(), b.id()); !isNotFound(err) {
					t.Errorf("BrowserSession %t: Load after 3h: %v, expected ErrNotFound", browserSession, err)
				}
			})
		}
	})
}
