package mongostore

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// This file has all that the store needs of the driver's x packages, which the
// driver may change in any release.

// isUnreached reports whether no server was found, so that nothing was sent. The
// driver says so of its first attempt alone: if a later attempt finds no server,
// it returns the error of the attempt before.
func isUnreached(err error) bool {
	return hasType[topology.ServerSelectionError](err) || errors.Is(err, mongo.ErrClientDisconnected)
}

// isPoolCleared reports whether a connection was closed before it was used,
// because another operation failed. An earlier attempt of the driver may have
// reached the server, so this is not to be unreached.
func isPoolCleared(err error) bool {
	var pool driver.RetryablePoolError
	return errors.As(err, &pool) && pool.Retryable()
}

// isConnectionError reports whether a connection could not be had or was lost.
func isConnectionError(err error) bool {
	return isPoolCleared(err) ||
		hasType[topology.ConnectionError](err) ||
		hasType[topology.PoolError](err) ||
		hasType[topology.WaitQueueTimeoutError](err) ||
		errors.Is(err, topology.ErrServerClosed)
}

func hasType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
