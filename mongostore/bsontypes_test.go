package mongostore_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The types of package bson are what the driver makes of them.
func TestBSONKeepsTypesOfTheDriver(t *testing.T) {
	t.Parallel()
	doc := bson.D{
		{Key: "z", Value: bson.D{{Key: "y", Value: int32(1)}, {Key: "b", Value: bson.D{}}, {Key: "b", Value: "twice"}}},
		{Key: "a", Value: bson.A{bson.D{{Key: "y", Value: nil}, {Key: "x", Value: bson.A{}}}, int64(2), "s"}},
		{Key: "id", Value: bson.NewObjectID()},
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	decimal, err := bson.ParseDecimal128("1.50")
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(*testing.T){
		"D":                     roundTrip(doc),
		"nil D":                 roundTrip(bson.D(nil)),
		"empty D":               roundTrip(bson.D{}),
		"slice of D":            roundTrip([]bson.D{nil, {}, doc}),
		"map of D":              roundTrip(map[string]bson.D{"a": doc, "nil": nil}),
		"pointer to D":          roundTrip(&doc),
		"M":                     roundTrip(bson.M{"a": int32(1), "b": nil, "c": map[string]any{"d": "e"}}),
		"nil M":                 roundTrip(bson.M(nil)),
		"A":                     roundTrip(bson.A{int32(1), nil, []any{"a"}}),
		"nil A":                 roundTrip(bson.A(nil)),
		"E":                     roundTrip(bson.E{Key: "a", Value: int32(1)}),
		"Raw":                   roundTrip(bson.Raw(raw)),
		"nil Raw":               roundTrip(bson.Raw(nil)),
		"RawValue":              roundTrip(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: raw}),
		"RawValue of null":      roundTrip(bson.RawValue{Type: bson.TypeNull}),
		"RawArray":              roundTrip(bson.RawArray{5, 0, 0, 0, 0}),
		"ObjectID":              roundTrip(bson.NewObjectID()),
		"map of ObjectID":       roundTrip(map[bson.ObjectID]int{bson.NewObjectID(): 1}),
		"Decimal128":            roundTrip([]bson.Decimal128{decimal, {}}),
		"DateTime":              roundTrip(bson.DateTime(-5)),
		"Timestamp":             roundTrip(bson.Timestamp{T: 1, I: 2}),
		"Regex":                 roundTrip(bson.Regex{Pattern: "a", Options: "i"}),
		"Symbol":                roundTrip(bson.Symbol("a")),
		"JavaScript":            roundTrip(bson.JavaScript("a")),
		"CodeWithScope":         roundTrip(bson.CodeWithScope{Code: "a", Scope: bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: "x"}}}),
		"zero CodeWithScope":    roundTrip(bson.CodeWithScope{}),
		"DBPointer":             roundTrip(bson.DBPointer{DB: "a", Pointer: bson.NewObjectID()}),
		"Binary":                roundTrip([]bson.Binary{{Subtype: 4, Data: []byte{1}}, {Data: []byte{}}, {Subtype: 2, Data: []byte{1}}}),
		"zero Binary":           roundTrip(bson.Binary{}),
		"Vector":                roundTrip(bson.NewVector([]float32{1, 0.5})),
		"zero Vector":           roundTrip([]bson.Vector{{}}),
		"MinKey":                roundTrip(bson.MinKey{}),
		"MaxKey":                roundTrip(bson.MaxKey{}),
		"Undefined":             roundTrip(bson.Undefined{}),
		"Null":                  roundTrip(bson.Null{}),
		"ObjectID in an any":    roundTrip([]any{bson.NewObjectID(), decimal, bson.Regex{Pattern: "a"}}),
		"D that is in a struct": roundTrip(struct{ D, E bson.D }{doc, nil}),
		"embedded, with more": roundTrip(struct {
			bson.ObjectID
			Note string
		}{bson.NewObjectID(), "kept"}),
	} {
		t.Run(name, run)
	}
}
