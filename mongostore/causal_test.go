package mongostore

import (
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// A read must wait for what the store was told, and not for a write that failed:
// perhaps no majority will ever have it.
func TestCausalNotesTheTimeOfSuccess(t *testing.T) {
	t.Parallel()
	p := &played{}
	c := p.mustStore(t, Options{}).causal
	for _, tt := range []struct {
		name string
		time uint32 // of the answer
		err  error
		want uint32 // the latest time
	}{
		{"an error at first", 9, io.EOF, 0},
		{"success", 5, nil, 5},
		{"an error", 9, io.EOF, 5},
		{"an older answer", 4, nil, 5},
		{"no document", 6, mongo.ErrNoDocuments, 6},
	} {
		ctx, end := c.begin(t.Context())
		sess := mongo.SessionFromContext(ctx)
		if at := sess.OperationTime(); at != c.latest.Load() {
			t.Errorf("%s: begins at %v, want %v", tt.name, at, c.latest.Load())
		}
		if err := sess.AdvanceOperationTime(&bson.Timestamp{T: tt.time}); err != nil {
			t.Fatal(err)
		}
		end(tt.err)
		var got uint32
		if latest := c.latest.Load(); latest != nil {
			got = latest.T
		}
		if got != tt.want {
			t.Errorf("%s: got the latest time %d, want %d", tt.name, got, tt.want)
		}
	}
}
