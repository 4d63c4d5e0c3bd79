package session_test

import (
	"slices"
	"time"
)

// plan is one world as data: everything that its seed decides. A plan can be
// run again, and be made shorter without losing its meaning: a step has its
// faults with it, and a segment of the schedule names the step that it ends at.
type plan struct {
	mode     worldMode
	seed     uint64
	store    storeKind
	managers []settings
	browsers []browserPlan
	scripts  []script // of the actors
	schedule []segment
}

// worldMode says whether a store of the world fails.
type worldMode string

const (
	withoutFaults worldMode = "faultless"
	withFaults    worldMode = "faults"
)

// storeKind is the store of a world.
type storeKind int

const (
	memoryStore   storeKind = iota
	keyValueStore           // FromKV
	keyValueSteps           // FromKV, whose gets and sets are points of the schedule as well
)

// settings are the Config of one Manager.
type settings struct {
	maxAge, touchAfter, absolute, renewAfter, grace time.Duration
	rolling                                         bool
	schema                                          int
	signed, sealed                                  int // 0: no keys; 1 and 2: the same two keys, in this or the other order
}

// browserPlan is how a browser begins.
type browserPlan struct {
	stored bool          // it has a session
	holder string        // whose session it is
	age    time.Duration // how old the session is when the actors begin
}

// script is what one actor does.
type script struct {
	browser int
	tasks   []task
}

// task is a request, or a call of the Manager outside of requests.
type task struct {
	manager    int
	deferred   bool // the session is loaded at the first Get
	valid      answer
	beforeSave answer
	failed     answer
	steps      []step
}

// answer is what a hook does.
type answer int

const (
	hookNone    answer = iota // there is no such hook; Failed returns the error
	hookAccept                // Valid says true; Failed returns nil; BeforeSave changes a field
	hookRefuse                // Valid says false; Failed returns ErrDiscard; BeforeSave fails
	hookFail                  // Valid returns an error
	hookDestroy               // BeforeSave calls Destroy
	hookRenew                 // BeforeSave calls Renew
)

// step is one thing that an actor does.
type step struct {
	at     int // its place in the plan: it grows along a script
	kind   stepKind
	n      int // which user, session or duration it is about
	faults []fault
}

// fault is what happens to one call of the store.
type fault struct {
	call int // which call of the step: 0 is the first
	kind faultKind
	gone bool // the error is ErrUnavailable, not one that means nothing to the core
	wait int  // how many calls of the store a late write waits
}

type faultKind int

const (
	failBefore  faultKind = iota // the call is not made
	failAfter                    // the call is made, its answer is lost
	applyLate                    // the write is made later, after the error
	hangs                        // the call is not made and waits for the deadline of its context
	cancels                      // the context is canceled before the call is made
	ownConflict                  // a write is made and refused at its repetition, as by a driver that sent it twice
	zeroVersion                  // a load gives a record with Version 0

	// No faults, but what another goroutine of the request does during the call.
	meanwhileRenew
	meanwhileDestroy
	faultKinds int = iota
)

var faultNames = [faultKinds]string{
	"fails before", "fails after", "applies late", "hangs", "is canceled", "is applied and refused", "has version 0",
	"meets a Renew", "meets a Destroy",
}

// segment lets an actor run until it comes to a position.
type segment struct {
	actor int
	until position
}

// position is a point of the schedule: within a step, before the step begins (0)
// or before and after each call of the store.
type position struct{ at, point int }

func (p position) before(q position) bool {
	return p.at < q.at || p.at == q.at && p.point < q.point
}

// clone returns a copy that shares nothing with p.
func (p *plan) clone() *plan {
	c := *p
	c.managers, c.browsers, c.schedule = slices.Clone(p.managers), slices.Clone(p.browsers), slices.Clone(p.schedule)
	c.scripts = slices.Clone(p.scripts)
	for i := range c.scripts {
		tasks := slices.Clone(c.scripts[i].tasks)
		for j := range tasks {
			tasks[j].steps = slices.Clone(tasks[j].steps)
			for k := range tasks[j].steps {
				tasks[j].steps[k].faults = slices.Clone(tasks[j].steps[k].faults)
			}
		}
		c.scripts[i].tasks = tasks
	}
	return &c
}

// size is how much a reader of the plan has to understand.
func (p *plan) size() int {
	n := len(p.schedule) + len(p.managers)
	for _, s := range p.scripts {
		for _, t := range s.tasks {
			n += 1 + len(t.steps)
			for _, st := range t.steps {
				n += len(st.faults)
			}
			for _, a := range []answer{t.valid, t.beforeSave, t.failed} {
				n += min(int(a), 1)
			}
		}
	}
	return n
}

// stepKind is what a step does.
type stepKind int

const (
	// Every request has these three, in this order, with others in between.
	doBegin   stepKind = iota // the request begins, and loads its session unless that is deferred
	doFinish                  // the handler is done: n%3 is 0 Commit and End, 1 End, 2 a panic
	doReceive                 // the browser gets the response, or n is 1 and it is lost

	doGet
	doPeek
	doSetOwn
	doSetShared
	doMark
	doUnmark
	doRenew
	doLogIn
	doSignOut
	doRegenerateCopy  // and keep Data
	doRegenerateLogIn // the log-in that is recommended
	doRegenerateFresh // with other Data
	doRegenerateEmpty
	doDestroy
	doMaxAge
	doPolicy
	doSave
	doUpdate
	doUpdateFails
	doUpdateRenews
	doUpdateLogsIn
	doUpdateRegenerates
	doUpdateRegeneratesFails
	doUpdateDestroys
	doReload
	doDeleteOthers
	doRespond // the response begins: what follows comes too late for a cookie
	doCancel  // the client goes away
	doPause

	// A job has one of these, or doPause.
	jobUpdate
	jobUpdateFails
	jobDelete
	jobDeleteOf
	jobDeleteUser
	jobDeleteOthers
	jobFind
	jobList
	jobOpen       // Open, a change, Save
	jobStart      // Start, a log-in, Save
	stepKinds int = iota
)

var stepNames = [stepKinds]string{
	"begin", "finish", "receive",
	"Get", "Peek", "set own field", "set shared field", "set mark", "remove mark", "Renew", "log in", "sign out",
	"Regenerate with copy", "Regenerate and log in", "Regenerate", "Regenerate, left empty", "Destroy", "SetMaxAge", "SetSave",
	"Save", "Update", "Update that fails", "Update that renews", "Update that logs in", "Update that regenerates",
	"Update that regenerates and fails", "Update that destroys", "Reload", "DeleteOthers", "response begins", "client goes away", "pause",
	"Manager.Update", "Manager.Update that fails", "Manager.Delete", "Manager.DeleteOf", "Manager.DeleteUser", "Manager.DeleteOthers",
	"Manager.Find", "Manager.Sessions", "Manager.Open and Save", "Manager.Start and Save",
}

func (k stepKind) String() string { return stepNames[k] }

// callsStore reports whether a step of that kind can call the store.
func (k stepKind) callsStore() bool {
	switch k {
	case doReceive, doSetOwn, doSetShared, doMark, doUnmark, doRenew, doLogIn, doSignOut, doRegenerateCopy, doRegenerateLogIn,
		doRegenerateFresh, doRegenerateEmpty, doDestroy, doMaxAge, doPolicy, doCancel, doPause:
		return false
	}
	return true
}

// saves reports whether the first call of the store that a step of that kind
// makes is likely to be a write.
func (k stepKind) saves() bool {
	switch k {
	case doFinish, doSave, doUpdate, doUpdateRenews, doUpdateLogsIn, doUpdateRegenerates, doRespond:
		return true
	}
	return false
}
