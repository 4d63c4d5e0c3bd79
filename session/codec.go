package session

import (
	"reflect"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/echosession/echosession/internal/typeinfo"
)

// Codec encodes Data for the store and decodes it. It must be deterministic:
// equal values give equal bytes, with maps in sorted order, because a session
// counts as changed when its encoding changes. Both methods are called from many
// goroutines at once. Marshal must not keep or change what it returned; Unmarshal
// must not keep data.
//
// A Codec may describe types by three more methods:
//
//	CheckType(t reflect.Type) []string // why values of t would not come back equal, one reason for each offender
//	Exact(t reflect.Type) bool         // decoding a t and encoding it again gives the same bytes
//	Atomic(t reflect.Type) bool        // the default merge takes a t as one value, and does not look into it
//
// [New] refuses a T for each reason that CheckType gives. Without these methods
// it refuses only what no codec can store.
type Codec interface {
	// Name is stored with every record. A record of another name is ErrCorrupt.
	Name() string
	// Marshal encodes the value that v points to.
	Marshal(v any) ([]byte, error)
	// Unmarshal decodes into the value that v points to.
	Unmarshal(data []byte, v any) error
}

// JSON returns the default codec: encoding/json/v2, made deterministic. A nil
// slice or map stays nil, a [time.Duration] is its nanoseconds, and invalid UTF-8
// is replaced instead of being an error. Fields that T does not know are lost with
// the next save, unless T has a map[string]json.RawMessage with the option
// `embed`.
func JSON() Codec { return jsonCodec{&jsonRules} }

type jsonCodec struct{ *typeinfo.Rules }

var jsonRules = typeinfo.JSON()

// One joined set for all calls: options are read-only once they are made.
var jsonOptions = json.JoinOptions(
	json.Deterministic(true),
	json.FormatNilSliceAsNull(true), // so that nil and empty both survive
	json.FormatNilMapAsNull(true),
	jsonv1.FormatDurationAsNano(true),
	jsontext.AllowInvalidUTF8(true),
	// Two keys of a map may become equal once their invalid bytes are replaced.
	jsontext.AllowDuplicateNames(true),
)

func (jsonCodec) Name() string { return "json" }

func (jsonCodec) Marshal(v any) ([]byte, error) { return json.Marshal(v, jsonOptions) }

func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v, jsonOptions) }

// typeRules are the methods of a Codec that describe types.
type typeRules interface {
	CheckType(t reflect.Type) []string
	Exact(t reflect.Type) bool
	Atomic(t reflect.Type) bool
}

// typeRulesOf returns the rules of c, or lenient ones if it has none.
func typeRulesOf(c Codec) typeRules {
	if r, ok := c.(typeRules); ok {
		return r
	}
	return typeinfo.Lenient(c.Name())
}
