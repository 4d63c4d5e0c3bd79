package session

import "testing"

// The table is the flowchart of docs/design.md, from the top to the bottom. Each
// row differs from an ordinary request in what its name says.
func TestPlan(t *testing.T) {
	t.Parallel()
	stored := func(change func(*facts)) facts {
		f := facts{stored: true, writable: true, data: dataSame}
		change(&f)
		return f
	}
	fresh := func(change func(*facts)) facts {
		f := facts{writable: true, data: dataSame}
		change(&f)
		return f
	}
	everything := func(f *facts) {
		f.data, f.asked, f.replaced, f.renewal, f.outdated, f.due, f.allowEmpty = dataChanged, true, true, true, true, true, true
	}
	for _, tt := range []struct {
		name  string
		facts facts
		want  step
	}{
		{"closed, before everything", stored(func(f *facts) { everything(f); f.closed, f.destroyed, f.policy = true, true, SaveAlways }), stepDrop},
		{"SaveNever, before a Destroy and a change", stored(func(f *facts) { everything(f); f.policy, f.destroyed = SaveNever, true }), stepNothing},
		{"SaveNever, new", fresh(func(f *facts) { everything(f); f.policy = SaveNever }), stepNothing},
		{"Destroy, before a change", stored(func(f *facts) { everything(f); f.destroyed = true }), stepDestroy},
		{"Destroy, before SaveAlways", stored(func(f *facts) { f.destroyed, f.policy = true, SaveAlways }), stepDestroy},
		{"Destroy, new", fresh(func(f *facts) { f.destroyed = true }), stepDestroy},

		{"SaveAlways, unchanged", stored(func(f *facts) { f.policy = SaveAlways }), stepSave},
		{"SaveAlways, not compared", stored(func(f *facts) { f.policy, f.data = SaveAlways, dataOpened }), stepSave},
		{"SaveAlways, new and empty", fresh(func(f *facts) { f.policy = SaveAlways }), stepSave},
		{"Renew or SetMaxAge", stored(func(f *facts) { f.asked, f.data = true, dataOpened }), stepSave},
		{"Renew or SetMaxAge, new and empty", fresh(func(f *facts) { f.asked = true }), stepNothing},
		{"AllowEmpty, new and empty", fresh(func(f *facts) { f.allowEmpty = true }), stepSave},
		{"AllowEmpty, stored", stored(func(f *facts) { f.allowEmpty = true }), stepNothing},
		{"AllowEmpty, nobody asked", fresh(func(f *facts) { f.allowEmpty, f.data = true, dataUnopened }), stepBegin},

		{"not compared", stored(func(f *facts) { f.data = dataOpened }), stepCompare},
		{"not compared, new", fresh(func(f *facts) { f.data = dataOpened }), stepCompare},
		{"changed", stored(func(f *facts) { f.data = dataChanged }), stepSave},
		{"changed, new", fresh(func(f *facts) { f.data = dataChanged }), stepSave},
		{"changed, before a refresh and a touch", stored(func(f *facts) { everything(f); f.asked = false }), stepSave},
		{"changed, of a newer schema", stored(func(f *facts) { f.data, f.writable = dataChanged, false }), stepSave},
		{"Regenerate, and empty since", fresh(func(f *facts) { f.replaced = true }), stepDestroy},
		{"Regenerate, and changed since", fresh(func(f *facts) { f.replaced, f.data = true, dataChanged }), stepSave},

		{"unchanged", stored(func(f *facts) {}), stepNothing},
		{"unchanged, new", fresh(func(f *facts) {}), stepNothing},
		{"renewal", stored(func(f *facts) { f.renewal = true }), stepRefresh},
		{"renewal, before a touch", stored(func(f *facts) { f.renewal, f.due = true, true }), stepRefresh},
		{"renewal, of a newer schema", stored(func(f *facts) { f.renewal, f.writable = true, false }), stepNothing},
		{"renewal and due, of a newer schema", stored(func(f *facts) { f.renewal, f.due, f.writable = true, true, false }), stepTouch},
		{"due", stored(func(f *facts) { f.due = true }), stepTouch},
		{"due and outdated", stored(func(f *facts) { f.due, f.outdated = true, true }), stepRefresh},
		{"outdated", stored(func(f *facts) { f.outdated = true }), stepNothing},

		{"nobody asked", stored(func(f *facts) { f.data = dataUnopened }), stepNothing},
		{"nobody asked, new", fresh(func(f *facts) { f.data = dataUnopened }), stepNothing},
		{"nobody asked, due", stored(func(f *facts) { f.data, f.due = dataUnopened, true }), stepTouch},
		{"nobody asked, due and outdated", stored(func(f *facts) { f.data, f.due, f.outdated = dataUnopened, true, true }), stepDecode},
		{"nobody asked, outdated", stored(func(f *facts) { f.data, f.outdated = dataUnopened, true }), stepNothing},
		{"nobody asked, renewal", stored(func(f *facts) { f.data, f.renewal = dataUnopened, true }), stepDecode},
		{"nobody asked, renewal of a newer schema", stored(func(f *facts) { f.data, f.renewal, f.writable = dataUnopened, true, false }), stepNothing},
		{"damaged, renewal", stored(func(f *facts) { f.data, f.renewal = dataDamaged, true }), stepNothing},
		{"damaged, due", stored(func(f *facts) { f.data, f.renewal, f.due = dataDamaged, true, true }), stepTouch},
	} {
		if got := plan(tt.facts); got != tt.want {
			t.Errorf("%s: got step %d, want %d", tt.name, got, tt.want)
		}
	}
}
