package mongostore_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// Keys of maps.
type (
	sharp    string                 // text, by the pointer
	cell     struct{ row, col int } // BSON's own method, by the pointer
	site     struct{ netip.Addr }   // text, that of its only part
	shouted  string                 // writes text, and reads none
	numbered int                    // reads text, and writes none
	port     struct {               // text, that of a part
		netip.Addr
		Port int
	}
)

func (s *sharp) MarshalText() ([]byte, error) { return []byte("#" + *s), nil }
func (s *sharp) UnmarshalText(b []byte) error {
	text, ok := strings.CutPrefix(string(b), "#")
	if *s = sharp(text); !ok {
		return errors.New("no #")
	}
	return nil
}

func (c *cell) MarshalKey() (string, error) {
	return string(rune('a'+c.col)) + string(rune('0'+c.row)), nil
}
func (c *cell) UnmarshalKey(key string) error {
	c.col, c.row = int(key[0]-'a'), int(key[1]-'0')
	return nil
}

func (s shouted) MarshalText() ([]byte, error) { return []byte(s + "!"), nil }

func (n *numbered) UnmarshalText([]byte) error { return errors.New("no number is written like this") }

func TestBSONKeepsKeys(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T){
		"text by the pointer":       roundTrip(map[sharp]int{"a": 1, "b": 2}),
		"key by the pointer":        roundTrip(map[cell]int{{1, 2}: 1, {2, 1}: 2}),
		"text of the only part":     roundTrip(map[site]int{{netip.MustParseAddr("::1")}: 1}),
		"text that is only written": roundTrip(map[shouted]int{"a": 1, "a!": 2}),
	} {
		t.Run(name, run)
	}
}
