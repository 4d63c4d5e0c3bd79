package session_test

import (
	"iter"
	"maps"
)

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// unknown returns the violations.
func (s *survey) unknown(broken []violation) []violation { return broken }
