package session_test

import "testing"

type prefs = map[string]pref

// object is a JSON object as it is decoded into an any.
type object = map[string]any

func TestMergeFieldsKeyByKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []mergeCase{
		{
			"keys",
			account{Prefs: prefs{"mine": {}, "theirs": {}, "both": {}, "kept": {Value: "k"}}},
			account{Prefs: prefs{"mine": {Value: "a"}, "theirs": {}, "both": {Value: "a"}, "kept": {Value: "k"}, "new a": {}}},
			account{Prefs: prefs{"mine": {}, "theirs": {Value: "b"}, "both": {Source: "b"}, "kept": {Value: "k"}, "new b": {}}},
			account{Prefs: prefs{"mine": {Value: "a"}, "theirs": {Value: "b"}, "both": {"a", "b"}, "kept": {Value: "k"}, "new a": {}, "new b": {}}},
			nil,
		},
		{
			"keys with other keys than strings",
			account{Keys: keyed{}}, account{Keys: keyed{{Value: "a"}: 1}}, account{Keys: keyed{{Value: "b"}: 2}},
			account{Keys: keyed{{Value: "a"}: 1, {Value: "b"}: 2}}, nil,
		},
		{
			"keys deleted",
			account{Prefs: prefs{"by me": {}, "by them": {}, "by both": {}, "kept": {}}},
			account{Prefs: prefs{"by them": {}, "kept": {}}},
			account{Prefs: prefs{"by me": {}, "kept": {}}},
			account{Prefs: prefs{"kept": {}}},
			nil,
		},
		{
			"key deleted by me, changed by them",
			account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{}}, account{Prefs: prefs{"k": {Value: "b"}}}, account{Prefs: prefs{}}, []string{"Prefs[...]"},
		},
		{
			"key changed by me, deleted by them",
			account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"k": {Value: "a"}}}, account{Prefs: prefs{}},
			account{Prefs: prefs{"k": {Value: "a"}}}, []string{"Prefs[...]"},
		},
		{
			"key added by both alike",
			account{}, account{Prefs: prefs{"k": {Value: "a"}, "a": {}}}, account{Prefs: prefs{"k": {Value: "a"}, "b": {}}},
			account{Prefs: prefs{"k": {Value: "a"}, "a": {}, "b": {}}}, nil,
		},
		{
			"keys added by both differently",
			account{}, account{Prefs: prefs{"k": {Value: "a"}, "l": {}}}, account{Prefs: prefs{"k": {Source: "b"}, "l": {Value: "b"}}},
			account{Prefs: prefs{"k": {Value: "a"}, "l": {}}}, []string{"Prefs[...]"},
		},
		{
			"the same field of several entries",
			account{Prefs: prefs{"k": {}, "l": {}}},
			account{Prefs: prefs{"k": {Value: "a"}, "l": {Value: "a"}}},
			account{Prefs: prefs{"k": {"b", "b"}, "l": {"b", "b"}}},
			account{Prefs: prefs{"k": {"a", "b"}, "l": {"a", "b"}}},
			[]string{"Prefs[...].Value"},
		},
		{"nil map to empty", account{}, account{Prefs: prefs{}}, account{}, account{Prefs: prefs{}}, nil},
		{"into empty and nil", account{}, account{Prefs: prefs{}}, account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"k": {}}}, nil},
		{
			"into nil", account{Prefs: prefs{"k": {}}}, account{}, account{Prefs: prefs{"k": {}, "l": {}}},
			account{Prefs: prefs{"l": {}}}, nil,
		},
		{"all deleted, nil mine", account{Prefs: prefs{"k": {}}}, account{}, account{Prefs: prefs{}}, account{}, nil},
		{"all deleted, nil theirs", account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{}}, account{}, account{}, nil},
		{
			"nil as before, all deleted but by conflict", account{}, account{Prefs: prefs{}}, account{Prefs: prefs{}}, account{Prefs: prefs{}}, nil,
		},
		{
			"empty, where both made it so",
			account{Prefs: prefs{"k": {}, "l": {}}}, account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"l": {}}}, account{Prefs: prefs{}}, nil,
		},
		{
			"objects in an any",
			account{Any: object{"a": 1., "in": object{"x": 1.}}},
			account{Any: object{"a": 2., "in": object{"x": 1., "y": 2.}}},
			account{Any: object{"a": 1., "in": object{"x": 3.}}},
			account{Any: object{"a": 2., "in": object{"x": 3., "y": 2.}}},
			nil,
		},
		{
			"conflict in objects in an any",
			account{Any: object{"in": object{"x": 1.}}}, account{Any: object{"in": object{"x": 2.}}}, account{Any: object{"in": object{"x": 3.}}},
			account{Any: object{"in": object{"x": 2.}}}, []string{"Any[...][...]"},
		},
		{"any, nil before", account{}, account{Any: object{"a": 1.}}, account{Any: object{"b": 1.}}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, nil mine", account{Any: object{}}, account{}, account{Any: object{"b": 1.}}, account{}, []string{"Any"}},
		{"any, nil theirs", account{Any: object{}}, account{Any: object{"a": 1.}}, account{}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, another type before", account{Any: "s"}, account{Any: object{"a": 1.}}, account{Any: object{"b": 1.}}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, another type of theirs", account{Any: object{}}, account{Any: object{"a": 1.}}, account{Any: 1.}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, no maps", account{Any: pref{}}, account{Any: pref{Value: "a"}}, account{Any: pref{Source: "b"}}, account{Any: pref{Value: "a"}}, []string{"Any"}},
	} {
		tt.run(t)
	}
}
