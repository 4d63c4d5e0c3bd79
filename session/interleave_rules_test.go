package session_test

import "fmt"

// rule is a promise of the library that every world checks.
type rule struct{ name, promise string }

// violation is a rule that a world broke.
type violation struct {
	rule   rule
	detail string
}

func (v violation) String() string {
	return fmt.Sprintf("%s: %s\n  The rule: %s", v.rule.name, v.detail, v.rule.promise)
}

// violate notes that a rule is broken.
func (w *world) violate(r rule, format string, args ...any) {
	v := violation{r, fmt.Sprintf(format, args...)}
	w.mu.Lock()
	w.broken = append(w.broken, v)
	w.mu.Unlock()
	w.say("", "BROKEN %s: %s", r.name, v.detail)
}

// The rules, each with what it promises. What the contract excepts stands in the
// comment, and the check knows it.
var (
	// Every write that an operation acknowledged is in the store when the operation
	// returns, unless somebody else ended the session or it expired.
	ruleSaved = rule{"saved", "a change that was acknowledged is stored, and a reload finds it"}

	// A commit that returns no error, and after which no event says "gone", "lost" or
	// "error", has stored the changes of its request. SetSave(SaveNever) excepted.
	ruleNotDropped = rule{"not-dropped", "no change is dropped without an error or an event"}

	// The same for Data that is set after Destroy was carried out.
	ruleLostObserved = rule{"lost-observed", "what is put into Data after Destroy is not stored, and is observed as lost"}

	// If only the answer to one write is lost, the operation looks and succeeds.
	ruleSettled = rule{"settled", "a write that did land is not reported as failed if the store can tell"}

	// A write changes only what its request changed. What its request tried before,
	// and was told to have failed, it may take back as long as nobody else wrote in
	// between.
	ruleOthers = rule{"others-change", "a save never changes what its request did not change: no value goes back to an older one"}

	// An Update that was acknowledged counts once for ever. One that failed counts
	// at most once. If its write was refused at its repetition and another write came
	// in between, it counts twice: that is documented.
	ruleCounted = rule{"counted-once", "an acknowledged Update is never lost and never made twice"}

	// After an acknowledged Destroy, Delete, DeleteOf, refusal by Valid, or save of a
	// Regenerate the record is gone and never comes back, but by a late Create.
	ruleLogOut = rule{"log-out", "a log-out that was acknowledged is final"}

	// Excepted are a log-in over a session of nobody, a session that expired, and a
	// request or log-out whose delete was answered with an error: it cannot know
	// whether it was its own delete that ended the session.
	ruleOneWins = rule{"one-wins", "of a Regenerate and a log-out at the same moment exactly one wins"}

	// DeleteUser and DeleteOthers: the same for all sessions that the user had before.
	ruleDeleteUser = rule{"delete-user", "no session that the user had before DeleteUser survives it"}

	// From the acknowledgement on, and for ever.
	ruleRenewed = rule{"renewed", "after an acknowledged Renew or change of User no older token opens anything"}

	// At the moment of the Outcome. Excepted: somebody else changed the record after
	// the store last answered the request about it, or the request's own last write
	// did and its answer was lost.
	ruleCookie = rule{"cookie", "never a cookie without its record, nor one whose secret is not the record's current one"}

	// A cookie is taken away only by a request that destroyed or left its session, or
	// that Valid refused.
	ruleClear = rule{"clear", "only the request that ended its session clears a cookie"}

	// Destroy, Regenerate and Valid end only what the request was let into: the record
	// still accepts one of its tokens and has its user, or the request wrote it last.
	// DeleteOf ends only what is that user's.
	ruleOwnEnd = rule{"own-end", "nobody ends what another request has made of the session"}

	// Two creates that were made, without an acknowledged delete in between.
	ruleCreatedOnce = rule{"created-once", "no id is created twice by one request unless its deletion was acknowledged"}

	// A request whose load failed gets an error, or a session without an id. A token
	// that opens its session at the load never gets a new one, unless Valid or the
	// Failed hook gave it up.
	ruleNotEmpty = rule{"not-empty", "an error of the store is never an empty session"}

	// A request that only reads makes no write but a touch with Rolling that is due,
	// or an update that leaves Data alone, if some Manager renews by age or writes
	// another format.
	ruleReads = rule{"reads", "a request that only reads makes no write"}

	ruleSaveNever = rule{"save-never", "a commit after SetSave(SaveNever) writes nothing"}

	// If TouchAfter is negative, every request that loads the session and changes
	// nothing does so.
	ruleRolling = rule{"rolling", "with Rolling, use extends a session"}

	// Their failure is only observed.
	ruleReaderServed = rule{"reader-served", "a failed touch or routine renewal fails no request"}

	// What was superseded when it was loaded, or is gone by an event.
	ruleGone = rule{"gone", "a request whose session is gone writes nothing and sends no cookie"}

	// The write may be one that got no answer.
	ruleOwnWrite = rule{"own-write", "a session that nobody else changed since a request's own write is not gone to it"}

	// Excepted: the request that created it does not know what became of its last
	// write or delete of the record, or could not look at it; it left the record behind
	// by Regenerate, and then found its session gone; a late write.
	ruleOrphan = rule{"orphan", "no record with a User stays that no response gave out"}

	// Of the fields that the request changed itself, other than by Update.
	ruleConflict = rule{"conflict", "no conflict is reported for a field that the request did not change"}

	// Also if fn renewed, regenerated or destroyed before it failed. If an earlier write
	// got no answer, Data may take over what others stored beside it.
	ruleUpdateFails = rule{"update-fails", "an Update that fails changes nothing: neither Data, nor the id, nor, if fn failed, the store"}

	// Of Manager.Update.
	ruleJob = rule{"job", "a background job's change is no use of the session and changes neither token nor user"}

	// CreatedAt never changes, AuthenticatedAt only with User, and no end is later
	// than AbsoluteTimeout allows.
	ruleTimes = rule{"times", "nothing moves CreatedAt, AuthenticatedAt and the AbsoluteTimeout but a change of User"}

	// If nobody tried to replace the token deliberately, the token that the browser has
	// opens the session as long as the record lives. Excepted: responses that
	// overtook each other on their way.
	ruleLockedOut = rule{"locked-out", "a routine renewal never locks a browser out"}

	ruleBounded = rule{"bounded", "every operation ends within a bounded number of calls of the store"}
	ruleEnds    = rule{"ends", "no operation waits for ever"}
	rulePanic   = rule{"panic", "nothing panics"}
)
