package memstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

func TestErrorsNameTheOperation(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	stored, absent := record("stored", "", time.Hour), record("absent", "", time.Hour)
	stale := stored
	stale.Version = 2
	for _, test := range []struct {
		operation string
		ctx       context.Context
		r         session.Record
		want      error
	}{
		{"load", t.Context(), absent, session.ErrNotFound},
		{"update", t.Context(), absent, session.ErrNotFound},
		{"touch", t.Context(), absent, session.ErrNotFound},
		{"delete", t.Context(), absent, session.ErrNotFound},
		{"create", t.Context(), stored, session.ErrExists},
		{"update", t.Context(), stale, session.ErrConflict},
		{"touch", t.Context(), stale, session.ErrConflict},
		{"delete", t.Context(), stale, session.ErrConflict},
		{"load", canceled, stored, context.Canceled},
		{"create", canceled, absent, context.Canceled},
		{"update", canceled, stored, context.Canceled},
		{"touch", canceled, stored, context.Canceled},
		{"delete", canceled, stored, context.Canceled},
		{"list user", canceled, stored, context.Canceled},
		{"delete user", canceled, stored, context.Canceled},
	} {
		t.Run(test.operation+": "+test.want.Error(), func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{})
			create(t, s, stored)
			err := operations[test.operation](test.ctx, s, test.r)
			if !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), "memstore: "+test.operation+": ") {
				t.Errorf("got error %q, want %q after the operation", err, test.want)
			}
			wantLen(t, s, 1)
		})
	}
}
