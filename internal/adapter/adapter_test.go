package adapter_test

import (
	"errors"
	"testing"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// A middleware that cannot be made leaves nothing behind in the store.
func TestBadSettingsLeaveNoWatch(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"bad Header":             {Header: "Cookie"},
		"bad Header and Session": {Header: "Cookie", Session: session.Config[visits]{MaxBytes: -1}},
		"bad Session":            {Session: session.Config[visits]{MaxBytes: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &watchedStore{Store: memstore.New(memstore.Options{})}
			o.Session.Store = store
			m, err := adapter.New(o)
			if _, ok := errors.AsType[*session.ConfigError](err); !ok || m != nil {
				t.Errorf("New returned %v, %v, expected only a ConfigError", m, err)
			}
			if store.watchers != 0 {
				t.Errorf("%d functions watch the store, expected none", store.watchers)
			}
		})
	}
}
