package mongostore

import (
	"context"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A collation that is not simple takes users and ids for the same that are not:
// one user would see, and end, the sessions of another.
func TestCollationIsRefused(t *testing.T) {
	t.Parallel()
	collection := func(collation any) bson.D {
		return bson.D{{Key: "name", Value: "sessions"}, {Key: "type", Value: "collection"},
			{Key: "options", Value: bson.D{{Key: "collation", Value: collation}}}}
	}
	for name, tt := range map[string]struct {
		collation any
		want      string // "": none
	}{
		"not simple":   {bson.D{{Key: "locale", Value: "de"}, {Key: "strength", Value: 1}}, `collation "de"`},
		"simple":       {bson.D{{Key: "locale", Value: "simple"}}, ""},
		"not a locale": {bson.D{}, "collation"},
	} {
		p := &played{answer: func(_ context.Context, command bson.Raw) (bson.D, error) {
			if commandName(command) == "listCollections" {
				return batch(0, collection(tt.collation)), nil
			}
			return nil, nil
		}}
		_, err := p.store(t, Options{})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: got error %v, want none", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "createCollection")):
			t.Errorf("%s: got error %v, want one with %q and the cure", name, err, tt.want)
		}
	}
}
