package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// What tests outside the package need of its inside.
var (
	DecodeDocument  = decodeDocument
	EncodeDocument  = encodeDocument
	EncodeUpdate    = encodeUpdate
	EncodeUntouched = encodeUntouched
	EncodeUser      = encodeUser
	DatabaseOf      = databaseOf
	WithoutPassword = withoutPassword
)

// Failed is what a Load makes of an error of the driver.
func Failed(ctx context.Context, err error) error { return loading.failed(ctx, err) }

// These classify an error of the driver.
var (
	IsDuplicateID = isDuplicateID
	IsUnconfirmed = isUnconfirmed
	IsUnreached   = isUnreached
)

// Plan returns the commands that would set the indexes right.
func Plan(found ...bson.Raw) (commands []string, err error) {
	todo, err := planIndexes("sessions", found)
	for _, t := range todo {
		commands = append(commands, t.command)
	}
	return commands, err
}

// Change is what the monitor does when the driver tells it.
func (m *Monitor) Change(up bool) { m.change(up) }

func (m *Monitor) Watch(f func(session.Status)) (stop func()) { return m.watch(f) }

func (m *Monitor) Freeze() { m.freeze() }
