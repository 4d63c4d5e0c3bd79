package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/echosession/echosession/session"
)

// operation names one in its errors.
type operation string

const (
	opening  operation = "open"
	loading  operation = "load"
	creating operation = "create"
	updating operation = "update"
	touching operation = "touch"
	deleting operation = "delete"
	listing  operation = "list of a user"
	clearing operation = "delete of a user"
)

// is is an outcome of the contract without a cause.
func (op operation) is(outcome error) error {
	return fmt.Errorf("mongostore: %s: %w", op, outcome)
}

// failed puts what the driver reports into the words of the contract. ctx is
// the caller's own.
func (op operation) failed(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return op.is(context.Canceled)
	case hasCode(err, codesTooLarge):
		return &failure{op, session.ErrTooLarge, err}
	case isUnavailable(err):
		return &failure{op, session.ErrUnavailable, err}
	}
	return &failure{op, nil, err}
}

// failure is an error of the driver. Its text has nothing of what a server says
// to a command: that may quote it, and with it the meta data and the data. Where
// no server is there to ask, it has what each last said of itself.
type failure struct {
	op      operation
	outcome error // nil: none of the contract
	cause   error
}

func (f *failure) Error() string {
	if f.outcome == nil {
		return fmt.Sprintf("mongostore: %s: %s", f.op, describe(f.cause))
	}
	return fmt.Sprintf("mongostore: %s: %v: %s", f.op, f.outcome, describe(f.cause))
}

func (f *failure) Unwrap() []error {
	var errs []error
	if f.outcome != nil {
		errs = append(errs, f.outcome)
	}
	// The driver cancels work of its own, such as dialing a server that went
	// away. To the caller, who did not cancel, that is not a cancel.
	if !errors.Is(f.cause, context.Canceled) {
		errs = append(errs, f.cause)
	}
	return errs
}

// Codes of the server, https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml.
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeNamespaceNotFound    = 26
	codeDuplicateKey         = 11000
	codeAtlas                = 8000 // its proxy, for wrong credentials among others
)

var (
	codesUnavailable = []int{
		91,    // ShutdownInProgress
		189,   // PrimarySteppedDown
		10107, // NotWritablePrimary
		11600, // InterruptedAtShutdown
		11602, // InterruptedDueToReplStateChange
		13435, // NotPrimaryNoSecondaryOk
		13436, // NotPrimaryOrSecondary

		// What mongos says of shards that it cannot reach.
		6,    // HostUnreachable
		7,    // HostNotFound
		89,   // NetworkTimeout
		133,  // FailedToSatisfyReadPreference
		202,  // NetworkInterfaceExceededTimeLimit
		262,  // ExceededTimeLimit
		407,  // PooledConnectionAcquisitionExceededTimeLimit
		9001, // SocketException

		134, // ReadConcernMajorityNotAvailableYet
		365, // TemporarilyUnavailable: its cache has no room
	}
	codesTooLarge = []int{
		10334, // BSONObjectTooLarge
		17280, // KeyTooLong
		17419, // the document after an update
		17420,
	}
	codesCredentials = []int{codeAuthenticationFailed, codeAtlas}
)

// hasCode reports whether err is a server's answer with one of the codes.
func hasCode(err error, codes []int) bool {
	se, ok := errors.AsType[mongo.ServerError](err)
	return ok && slices.ContainsFunc(codes, se.HasErrorCode)
}

// isUnavailable reports whether err says nothing of the session, because the
// server that could was not reached or did not finish.
func isUnavailable(err error) bool {
	if hasCode(err, codesCredentials) {
		return false
	}
	return hasCode(err, codesUnavailable) || isUnconfirmed(err) ||
		isUnreached(err) || mongo.IsTimeout(err) || mongo.IsNetworkError(err) ||
		isPoolCleared(err) || is[topology.PoolError](err) || errors.Is(err, topology.ErrServerClosed) ||
		is[topology.ConnectionError](err) || is[topology.WaitQueueTimeoutError](err) ||
		errors.Is(err, context.Canceled) || // the driver's own: the caller's was asked for before
		isOverloaded(err) || hasLabel(err, "RetryableWriteError")
}

// isUnreached reports whether nothing was sent, because there was no server. The
// driver answers so only of its first attempt: where a retry finds no server, it
// returns the error of the attempt before.
func isUnreached(err error) bool {
	return is[topology.ServerSelectionError](err) || errors.Is(err, mongo.ErrClientDisconnected)
}

// isOverloaded reports whether a server wants less to do. The driver has asked
// it again already, at the pace that it wants.
func isOverloaded(err error) bool { return hasLabel(err, "SystemOverloadedError") }

// isPoolCleared knows an error of the driver, whose type is not exported, by
// its method: a connection was taken away before it was used, because another
// failed. That is not to be unreached: the driver tries again after it, and
// returns it for an attempt that comes after one that may have been made.
func isPoolCleared(err error) bool {
	var cleared interface {
		error
		Retryable() bool
	}
	return errors.As(err, &cleared) && cleared.Retryable()
}

// isUnconfirmed reports whether a write was made, but not known to a majority.
func isUnconfirmed(err error) bool {
	we, ok := errors.AsType[mongo.WriteException](err)
	return ok && we.WriteConcernError != nil && len(we.WriteErrors) == 0
}

// isDuplicateID reports whether a document of the id is there already. A
// unique index of the operator's own is another matter.
func isDuplicateID(err error) bool {
	we, ok := errors.AsType[mongo.WriteException](err)
	if !ok {
		return false
	}
	for _, e := range we.WriteErrors {
		if e.Code != codeDuplicateKey {
			continue
		}
		key, ok := e.Raw.Lookup("keyPattern").DocumentOK()
		return !ok || key.Lookup(fieldID).Type != bson.Type(0)
	}
	return false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func hasLabel(err error, label string) bool {
	le, ok := errors.AsType[mongo.LabeledError](err)
	return ok && le.HasErrorLabel(label)
}

// describe is the text of err where that is the driver's own, and codes where
// it is the server's.
func describe(err error) string {
	if isPoolCleared(err) { // it quotes the error of that other operation
		return "the connections to the server were closed because another operation failed"
	}
	se, ok := errors.AsType[mongo.ServerError](err)
	if !ok {
		return err.Error()
	}
	codes := slices.DeleteFunc(se.ErrorCodes(), func(code int) bool { return code == 0 })
	if len(codes) == 0 { // a lost connection also comes as one
		return err.Error()
	}
	var parts []string
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("server error %d%s", code, nameOf(se, code)))
	}
	return strings.Join(parts, ", ")
}

// nameOf returns what the server calls the code, in brackets, if it said.
func nameOf(err mongo.ServerError, code int) string {
	name := ""
	switch e := err.(type) {
	case mongo.CommandError:
		name = e.Name
	case mongo.WriteException:
		if e.WriteConcernError != nil && e.WriteConcernError.Code == code {
			name = e.WriteConcernError.Name
		}
		if code == codeDuplicateKey {
			name = "DuplicateKey, of a unique index that is not this library's"
		}
	}
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}
