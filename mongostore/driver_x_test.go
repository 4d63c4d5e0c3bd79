package mongostore

import (
	"context"
	"errors"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/echosession/echosession/session"
)

// poolCleared is like an error of the driver whose type is not exported.
type poolCleared struct{}

func (poolCleared) Error() string   { return "the pool was cleared because of: " + quoted }
func (poolCleared) Retryable() bool { return true }

// Only the error of a first attempt that found no server proves that nothing was
// sent. Any other may hide an attempt that was made.
func TestUnreached(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no server":             {topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}, true},
		"client closed":         {mongo.ErrClientDisconnected, true},
		"pool cleared":          {poolCleared{}, false},
		"pool cleared, wrapped": {mongo.CommandError{Wrapped: poolCleared{}}, false},
		"pool closed":           {topology.ErrPoolClosed, false},
		"connection lost":       {topology.ConnectionError{Wrapped: io.EOF}, false},
		"deadline":              {context.DeadlineExceeded, false},
	} {
		if got := isUnreached(tt.err); got != tt.want {
			t.Errorf("%s: got %t, want %t", name, got, tt.want)
		}
		if err := loading.translate(t.Context(), tt.err); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v", name, err, session.ErrUnavailable)
		}
	}
}
