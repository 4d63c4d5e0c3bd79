package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
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

// wrap puts the name of the operation before an error of this package or of the
// contract.
func (op operation) wrap(err error) error {
	return fmt.Errorf("mongostore: %s: %w", op, err)
}

// translate turns an error of the driver into one of the contract, if there is
// one for it. ctx is the caller's: only its own cancellation counts as one.
func (op operation) translate(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return op.wrap(context.Canceled)
	case hasCode(err, codesTooLarge):
		return &driverError{op, session.ErrTooLarge, err}
	case isUnavailable(err):
		return &driverError{op, session.ErrUnavailable, err}
	}
	return &driverError{op, nil, err}
}

// driverError is an error of the driver. Its text leaves out what a server said
// about a command, which may quote Meta and Data.
type driverError struct {
	op       operation
	contract error // nil: the contract has none for it
	cause    error
}

func (e *driverError) Error() string {
	if e.contract == nil {
		return fmt.Sprintf("mongostore: %s: %s", e.op, describe(e.cause))
	}
	return fmt.Sprintf("mongostore: %s: %v: %s", e.op, e.contract, describe(e.cause))
}

func (e *driverError) Unwrap() []error {
	var errs []error
	if e.contract != nil {
		errs = append(errs, e.contract)
	}
	// The driver cancels work of its own, such as dialing a server that went
	// away. The caller did not cancel anything.
	if !errors.Is(e.cause, context.Canceled) {
		errs = append(errs, e.cause)
	}
	return errs
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
	codesCredentials = []int{codeAuthenticationFailed, codeAtlas}
)

// hasCode reports whether err is a server's answer with one of the codes.
func hasCode(err error, codes []int) bool {
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
	if hasCode(err, codesCredentials) {
		return false
	}
	_, unconfirmed := unconfirmedCount(err)
	return unconfirmed || hasCode(err, codesUnavailable) ||
		isUnreached(err) || isConnectionError(err) || mongo.IsTimeout(err) || mongo.IsNetworkError(err) ||
		errors.Is(err, context.Canceled) || // the driver's own: translate looks for the caller's first
		isOverloaded(err) || hasLabel(err, "RetryableWriteError")
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

// isDuplicateID reports whether a document has the id already. It is false for a
// unique index that an operator made.
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

// describe returns the driver's own text, or the codes of a server's error.
func describe(err error) string {
	if isPoolCleared(err) { // its text quotes the error of the other operation
		return "the connections to the server were closed because another operation failed"
	}
	se, ok := errors.AsType[mongo.ServerError](err)
	if !ok {
		return err.Error()
	}
	codes := slices.DeleteFunc(se.ErrorCodes(), func(code int) bool { return code == 0 })
	if len(codes) == 0 { // a lost connection is a ServerError, too
		return err.Error()
	}
	var parts []string
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("server error %d%s", code, codeName(se, code)))
	}
	return strings.Join(parts, ", ")
}

// codeName returns the server's name for the code, in brackets, if err has it.
func codeName(err mongo.ServerError, code int) string {
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
