package mongostore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/echosession/echosession/session"
)

const quoted = "data-that-a-server-quotes"

func command(code int32, labels ...string) error {
	return mongo.CommandError{Code: code, Name: "Name", Message: quoted, Labels: labels}
}

func writeError(code int, keyPattern string) error {
	raw, _ := bson.Marshal(bson.D{{Key: "keyPattern", Value: bson.D{{Key: keyPattern, Value: 1}}}})
	details, _ := bson.Marshal(bson.D{{Key: "details", Value: quoted}})
	return mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: code, Message: quoted, Raw: raw, Details: details}}}
}

func unconfirmed(code, n int) error {
	raw, _ := bson.Marshal(bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: n}})
	return mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: code, Name: "WriteConcernTimeout", Message: quoted}, Raw: raw}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	other := errors.New("another")
	for name, tt := range map[string]struct {
		err  error
		want error // nil: none of the contract
	}{
		"deadline":               {context.DeadlineExceeded, session.ErrUnavailable},
		"no server":              {topology.ServerSelectionError{Wrapped: errors.New("server selection timeout")}, session.ErrUnavailable},
		"no server in time":      {topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}, session.ErrUnavailable},
		"no connection in time":  {topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, session.ErrUnavailable},
		"connection lost":        {topology.ConnectionError{Wrapped: io.EOF}, session.ErrUnavailable},
		"network":                {mongo.CommandError{Message: "incomplete read", Labels: []string{"NetworkError"}}, session.ErrUnavailable},
		"slow on the server":     {command(50), session.ErrUnavailable},
		"connections closed":     {poolCleared{}, session.ErrUnavailable},
		"server closed":          {topology.ErrServerClosed, session.ErrUnavailable},
		"disconnected client":    {mongo.ErrClientDisconnected, session.ErrUnavailable},
		"no majority":            {unconfirmed(64, 1), session.ErrUnavailable},
		"to be tried again":      {command(12345, "RetryableWriteError"), session.ErrUnavailable},
		"driver's own cancel":    {topology.ConnectionError{Wrapped: context.Canceled}, session.ErrUnavailable},
		"too large":              {command(10334), session.ErrTooLarge},
		"too large by an update": {writeError(17419, "_id"), session.ErrTooLarge},
		"role":                   {command(13), nil},
		"credentials":            {fmt.Errorf("%w", command(18, "NetworkError")), nil},
		"validator":              {writeError(121, "_id"), nil},
		"another unique index":   {writeError(11000, "data.email"), nil},
		"another":                {other, nil},
		"91":                     {command(91), session.ErrUnavailable},
		"189":                    {command(189), session.ErrUnavailable},
		"10107":                  {command(10107), session.ErrUnavailable},
		"11600":                  {command(11600), session.ErrUnavailable},
		"11602":                  {command(11602), session.ErrUnavailable},
		"13435":                  {command(13435), session.ErrUnavailable},
		"13436":                  {command(13436), session.ErrUnavailable},
		"91 of a write":          {writeError(91, "_id"), session.ErrUnavailable},
		"134":                    {command(134), session.ErrUnavailable},
		"202":                    {command(202), session.ErrUnavailable},
		"365":                    {command(365), session.ErrUnavailable},
		"407":                    {command(407), session.ErrUnavailable},
		"overload":               {command(433, "SystemOverloadedError"), session.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := loading.translate(t.Context(), tt.err)
			for _, outcome := range []error{
				session.ErrUnavailable, session.ErrNotFound, session.ErrConflict, session.ErrExists,
				session.ErrCorrupt, session.ErrTooLarge, context.Canceled,
			} {
				if got := errors.Is(err, outcome); got != (outcome == tt.want) {
					t.Errorf("%v: is %q: %t", err, outcome, got)
				}
			}
			if !errors.Is(tt.err, context.Canceled) && !causes(err, tt.err) {
				t.Errorf("%v does not wrap the driver's error", err)
			}
			if text := err.Error(); strings.Contains(text, quoted) || !strings.HasPrefix(text, "mongostore: load: ") {
				t.Errorf("text %q: want one that names the operation, and quotes nothing that the server said", text)
			}

			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			err = loading.translate(canceled, tt.err)
			if !errors.Is(err, context.Canceled) || causes(err, tt.err) || errors.Is(err, session.ErrUnavailable) {
				t.Errorf("after the caller's cancel: got %v, want %v and nothing else", err, context.Canceled)
			}
		})
	}
}

// causes reports whether the driver's error is in the tree of err. Some errors
// cannot be compared, so it compares their text.
func causes(err, cause error) bool {
	if fmt.Sprintf("%#v", err) == fmt.Sprintf("%#v", cause) {
		return true
	}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		return causes(u.Unwrap(), cause)
	case interface{ Unwrap() []error }:
		for _, err := range u.Unwrap() {
			if causes(err, cause) {
				return true
			}
		}
	}
	return false
}

func TestDuplicateID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"id":            {writeError(11000, "_id"), true},
		"another index": {writeError(11000, "data.email"), false},
		"another error": {writeError(121, "_id"), false},
		"old server":    {mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 11000}}}, true},
		"none":          {nil, false},
	} {
		if got := isDuplicateID(tt.err); got != tt.want {
			t.Errorf("%s: got %t, want %t", name, got, tt.want)
		}
	}
}

func TestUnconfirmedCount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err error
		n   int64
		ok  bool
	}{
		"one":         {unconfirmed(64, 1), 1, true},
		"none":        {unconfirmed(64, 0), 0, true},
		"no number":   {mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, 0, true},
		"refused":     {writeError(11000, "_id"), 0, false},
		"both":        {mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{}, WriteErrors: mongo.WriteErrors{{}}}, 0, false},
		"no error":    {nil, 0, false},
		"other error": {command(91), 0, false},
	} {
		if n, ok := unconfirmedCount(tt.err); n != tt.n || ok != tt.ok {
			t.Errorf("%s: got %d and %t, want %d and %t", name, n, ok, tt.n, tt.ok)
		}
	}
}
