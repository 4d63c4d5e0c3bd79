package session

// facts are what the plan of a commit depends on.
type facts struct {
	closed     bool // the session is never saved: it is gone, destroyed, or was not loaded
	policy     SavePolicy
	destroyed  bool // Destroy was called
	stored     bool // there is a record
	data       dataState
	asked      bool // Renew or SetMaxAge was called
	replaced   bool // Regenerate left a record behind
	writable   bool // the record is not of a newer SchemaVersion
	renewal    bool // RenewAfter asks for a new token, or for the confirmation of one
	outdated   bool // the record has another User or seal than it would have now, or may have
	due        bool // Rolling extends the session now
	allowEmpty bool
}

// dataState is what is known of Data. To find out more costs something.
type dataState uint8

const (
	dataUnopened dataState = iota // nobody asked for it
	dataDamaged                   // it cannot be decoded
	dataOpened                    // not yet compared with its base
	dataSame
	dataChanged
)

// step is what a commit does with the session.
type step uint8

const (
	stepNothing step = iota
	stepDrop         // nothing; changes are observed as dropped
	stepDecode       // decode the record, and plan again
	stepBegin        // make a new session, and plan again
	stepCompare      // compare Data with its base, and plan again
	stepDestroy      // delete the record, and what Regenerate left behind
	stepSave
	stepRefresh // save what only the library wants saved
	stepTouch
)

// plan decides what a commit does. It is the flowchart of docs/design.md.
func plan(f facts) step {
	refresh := f.writable && (f.renewal || f.due && f.outdated)
	isOpened := f.data >= dataOpened
	switch {
	case f.closed:
		return stepDrop
	case f.policy == SaveNever:
		return stepNothing
	case f.destroyed:
		return stepDestroy
	case isOpened && (f.policy == SaveAlways || f.stored && f.asked || !f.stored && f.allowEmpty):
		return stepSave
	case f.data == dataOpened:
		return stepCompare
	case f.data == dataChanged:
		return stepSave
	case f.replaced:
		return stepDestroy
	case !f.stored && !isOpened && f.allowEmpty:
		return stepBegin
	case !f.stored:
		return stepNothing
	case f.data == dataUnopened && refresh:
		return stepDecode
	case f.data == dataSame && refresh:
		return stepRefresh
	case f.due:
		return stepTouch
	}
	return stepNothing
}

// facts gathers what is known without decoding or encoding.
func (f *flow) facts() facts {
	b, m := f.b, &f.row.meta
	v := facts{
		closed:     f.ending != endingNone,
		stored:     f.row.isStored(),
		allowEmpty: b.allowEmpty,
		writable:   b.writable(m) == nil,
	}
	if v.stored {
		v.renewal = f.isRenewalDue(m) || f.cred.presented && !f.cred.old && m.isUnconfirmed()
		v.due = b.isDue(&f.row)
	}
	d := f.draft
	if d == nil {
		v.outdated = b.hasUser || b.sealer != nil // before Data is decoded that is not known
		return v
	}
	v.data = dataOpened
	v.policy, v.destroyed = d.pending.policy, d.pending.destroyed
	v.asked = d.pending.renewTo != "" || d.pending.hasAge
	v.replaced = !d.leftovers.isEmpty()
	v.outdated = d.base.user != f.row.user || d.base.needsSeal
	return v
}
