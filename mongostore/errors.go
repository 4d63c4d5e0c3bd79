package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/echosession/echosession/session"
)

// operation is the name of an operation in its errors.
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

// wrap puts the name of the operation before an error, if there is one.
func (op operation) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mongostore: %s: %w", op, err)
}

// errorf is fmt.Errorf with the name of the operation before the text.
func (op operation) errorf(format string, args ...any) error {
	return op.wrap(fmt.Errorf(format, args...))
}

// translate turns an error of the driver into one of the contract, if there is
// one for it. ctx is the caller's: only its own cancellation counts as one.
func (op operation) translate(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return op.wrap(context.Canceled)
	case hasCode(err, codesTooLarge...):
		return op.errorf("%w: %w", session.ErrTooLarge, &driverError{err})
	case isUnavailable(err):
		return op.errorf("%w: %w", session.ErrUnavailable, &driverError{err})
	}
	return op.wrap(&driverError{err})
}

// driverError is an error of the driver. Its text leaves out what a server said
// about a command, which may quote Meta and Data.
type driverError struct{ cause error }

// Unwrap returns nil for what the driver canceled, such as dialing a server that
// went away. The caller did not cancel anything.
func (e *driverError) Unwrap() error {
	if errors.Is(e.cause, context.Canceled) {
		return nil
	}
	return e.cause
}

// Error returns the codes of a server's error, with their names if there are any,
// or the driver's own text.
func (e *driverError) Error() string {
	if isPoolCleared(e.cause) { // its text quotes the error of the other operation
		return "the connections to the server were closed because another operation failed"
	}
	se, ok := errors.AsType[mongo.ServerError](e.cause)
	if !ok {
		return e.cause.Error()
	}
	names := map[int]string{codeDuplicateKey: "DuplicateKey, of a unique index that is not this library's"}
	switch err := se.(type) {
	case mongo.CommandError:
		names[int(err.Code)] = err.Name
	case mongo.WriteException:
		if err.WriteConcernError != nil {
			names[err.WriteConcernError.Code] = err.WriteConcernError.Name
		}
	}
	var parts []string
	for _, code := range se.ErrorCodes() {
		if code != 0 { // of a lost connection, which is a ServerError, too
			parts = append(parts, strings.TrimSpace(fmt.Sprint("server error ", code, " ", names[code])))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), e.cause.Error())
}

// Codes of the server, https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml.
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeNamespaceNotFound    = 26
	codeDuplicateKey         = 11000
	codeAtlas                = 8000 // of its proxy, for wrong credentials among others
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

		// What mongos says about shards that it cannot reach.
		6,    // HostUnreachable
		7,    // HostNotFound
		89,   // NetworkTimeout
		133,  // FailedToSatisfyReadPreference
		202,  // NetworkInterfaceExceededTimeLimit
		262,  // ExceededTimeLimit
		407,  // PooledConnectionAcquisitionExceededTimeLimit
		9001, // SocketException

		134, // ReadConcernMajorityNotAvailableYet
		365, // TemporarilyUnavailable: its cache is full
	}
	codesTooLarge = []int{
		10334, // BSONObjectTooLarge
		17280, // KeyTooLong
		17419, // the document after an update
		17420,
	}
)

// hasCode reports whether err is a server's answer with one of the codes.
func hasCode(err error, codes ...int) bool {
	se, ok := errors.AsType[mongo.ServerError](err)
	return ok && slices.ContainsFunc(codes, se.HasErrorCode)
}

func hasLabel(err error, label string) bool {
	le, ok := errors.AsType[mongo.LabeledError](err)
	return ok && le.HasErrorLabel(label)
}

// isUnavailable reports whether err says nothing about the session, because the
// server was not reached or did not finish.
func isUnavailable(err error) bool {
	_, unconfirmed := unconfirmedCount(err)
	return !hasCode(err, codeAuthenticationFailed, codeAtlas) &&
		(unconfirmed || hasCode(err, codesUnavailable...) ||
			isUnreached(err) || isConnectionError(err) || mongo.IsTimeout(err) || mongo.IsNetworkError(err) ||
			errors.Is(err, context.Canceled) || // the driver's own: translate looks for the caller's first
			isOverloaded(err) || hasLabel(err, "RetryableWriteError"))
}

// isOverloaded reports whether a server asks for less load. The driver has sent
// the command again already, as slowly as the server wants.
func isOverloaded(err error) bool { return hasLabel(err, "SystemOverloadedError") }

// unconfirmedCount returns how many documents a server changed, if err says that
// it did not hear in time that a majority has the change.
func unconfirmedCount(err error) (n int64, ok bool) {
	we, ok := errors.AsType[mongo.WriteException](err)
	if !ok || we.WriteConcernError == nil || len(we.WriteErrors) > 0 {
		return 0, false
	}
	n, _ = we.Raw.Lookup("n").AsInt64OK()
	return n, true
}

// isDuplicateID reports whether err says that the _id of an inserted document
// already exists. It is false if another unique index refused the document.
func isDuplicateID(err error) bool {
	we, ok := errors.AsType[mongo.WriteException](err)
	if !ok || len(we.WriteErrors) == 0 || we.WriteErrors[0].Code != codeDuplicateKey {
		return false
	}
	key, ok := we.WriteErrors[0].Raw.Lookup("keyPattern").DocumentOK()
	return !ok || key.Lookup(fieldID).Type != 0
}
