package mongostore_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Types that have methods of their own beside those of a part of them.
type (
	zoned struct { // text and JSON, by the value
		time.Time
		zone string
	}
	amount struct { // JSON, by the pointer
		*big.Int
		currency string
	}
	labeled[T any] struct { // text, of an instance
		color
		label T
	}
	relaid struct { // text, but JSON is that of the part
		money
		name string
	}
)

func (z zoned) MarshalText() ([]byte, error) {
	return []byte(z.Time.Format(time.RFC3339Nano) + "|" + z.zone), nil
}
func (z *zoned) UnmarshalText(b []byte) (err error) {
	at, zone, _ := strings.Cut(string(b), "|")
	z.zone = zone
	z.Time, err = time.Parse(time.RFC3339Nano, at)
	return err
}
func (z zoned) MarshalJSON() ([]byte, error) { return nil, fmt.Errorf("text goes before JSON") }
func (z *zoned) UnmarshalJSON([]byte) error  { return fmt.Errorf("text goes before JSON") }

func (a *amount) MarshalJSON() ([]byte, error) {
	return json.Marshal([]string{a.Int.String(), a.currency})
}
func (a *amount) UnmarshalJSON(b []byte) error {
	var parts [2]string
	err := json.Unmarshal(b, &parts)
	a.Int, _ = new(big.Int).SetString(parts[0], 10)
	a.currency = parts[1]
	return err
}

func (l labeled[T]) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%v %d/%d/%d", l.label, l.r, l.g, l.b), nil
}
func (l *labeled[T]) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%v %d/%d/%d", &l.label, &l.r, &l.g, &l.b)
	return err
}

func (r relaid) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d %s", r.cents, r.name), nil
}
func (r *relaid) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d %s", &r.cents, &r.name)
	return err
}

// Types that write themselves as BSON.
type (
	Level  struct{ n int32 }   // a value
	Box    struct{ inner any } // a document, by the pointer
	levels []Level             // a document, by the value
	noted  struct {            // the methods are those of a part
		Level
		Note string
	}
	crate struct { // so are these
		Box
		Level Level
	}
	sealed struct { // these are its own
		Box
		seal string
	}
)

func (l Level) MarshalBSONValue() (byte, []byte, error) {
	kind, data, err := bson.MarshalValue(l.n)
	return byte(kind), data, err
}
func (l *Level) UnmarshalBSONValue(kind byte, data []byte) error {
	return bson.UnmarshalValue(bson.Type(kind), data, &l.n)
}

func (b *Box) MarshalBSON() ([]byte, error) { return bson.Marshal(bson.M{"in": b.inner}) }
func (b *Box) UnmarshalBSON(data []byte) error {
	var doc bson.M
	err := bson.Unmarshal(data, &doc)
	b.inner = doc["in"]
	return err
}

func (l levels) MarshalBSON() ([]byte, error) { return bson.Marshal(bson.M{"all": []Level(l)}) }
func (l *levels) UnmarshalBSON(data []byte) error {
	var doc struct{ All []Level }
	err := bson.Unmarshal(data, &doc)
	*l = doc.All
	return err
}

func (s sealed) MarshalBSON() ([]byte, error) {
	return bson.Marshal(bson.D{{Key: "in", Value: s.inner}, {Key: "seal", Value: s.seal}})
}
func (s *sealed) UnmarshalBSON(data []byte) error {
	err := s.Box.UnmarshalBSON(data)
	s.seal, _ = bson.Raw(data).Lookup("seal").StringValueOK()
	return err
}

func TestBSONKeepsByMethods(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 30, 0, 5, time.UTC)
	euros := amount{big.NewInt(5), "EUR"}
	for name, run := range map[string]func(*testing.T){
		"text beside that of a part":            roundTrip(zoned{at, "Europe/Berlin"}),
		"the same in a map":                     roundTrip(map[string]zoned{"a": {at, "CET"}}),
		"JSON beside that of a part":            roundTrip(euros),
		"the same behind a pointer":             roundTrip([]*amount{&euros, nil}),
		"the same in a map's slice":             roundTrip(map[string][]amount{"a": {euros}}),
		"text of an instance":                   roundTrip(labeled[int]{color{1, 2, 3}, 4}),
		"text of another instance":              roundTrip([]labeled[string]{{color{1, 2, 3}, "red"}}),
		"text beside the JSON of a part":        roundTrip(relaid{money{5}, "tip"}),
		"text of a part":                        roundTrip(struct{ netip.Addr }{netip.MustParseAddr("::1")}),
		"text of a part that is a pointer":      roundTrip(struct{ *big.Int }{big.NewInt(7)}),
		"BSON value":                            roundTrip(Level{7}),
		"BSON value in a map":                   roundTrip(map[string]Level{"a": {7}}),
		"BSON value behind a pointer":           roundTrip([]*Level{{7}, nil}),
		"BSON document":                         roundTrip(Box{"in"}),
		"BSON document in a map":                roundTrip(map[string]Box{"a": {int32(1)}}),
		"BSON document behind a pointer":        roundTrip([]*Box{{"in"}, nil}),
		"BSON document of a slice":              roundTrip(levels{{1}, {2}}),
		"BSON value of a part":                  roundTrip(noted{Level{7}, "kept"}),
		"BSON value of a part, in a map":        roundTrip(map[string]noted{"a": {Level{7}, "kept"}}),
		"BSON value of a part, in pointers":     roundTrip([]*noted{{Level{7}, "kept"}, nil}),
		"BSON document of a part":               roundTrip(crate{Box{"in"}, Level{7}}),
		"BSON document of a part, in a map":     roundTrip(map[string]crate{"a": {Box{"in"}, Level{7}}}),
		"BSON document of a part, in pointers":  roundTrip([]*crate{{Box{"in"}, Level{7}}, nil}),
		"BSON document beside that of a part":   roundTrip(sealed{Box{"in"}, "red"}),
		"the same, in a map":                    roundTrip(map[string]sealed{"a": {Box{"in"}, "red"}}),
		"nil slice that has text":               roundTrip([]json.RawMessage{nil, json.RawMessage("null")}),
		"a part's methods, in the whole of T":   whole(noted{Level{7}, "kept"}),
		"a part's document, in the whole of T":  whole(crate{Box{"in"}, Level{7}}),
		"its own document, in the whole of T":   whole(sealed{Box{"in"}, "red"}),
		"a slice in the whole of T, as BSON":    whole(levels{{1}, {2}}),
		"an inline map, in the whole of T":      whole(rawLine{Item: "a", Rest: map[string]bson.RawValue{"b": {Type: bson.TypeNull}}}),
		"a map of the driver, in the whole":     whole(bson.M{"a": int32(1)}),
		"a map of text keys, in the whole of T": whole(map[netip.Addr]int{netip.MustParseAddr("::1"): 1}),
	} {
		t.Run(name, run)
	}
}
