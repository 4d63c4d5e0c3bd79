package session

import "context"

// touch is the change that extends a session which was used, without writing its
// Data.
type touch struct {
	f   *flow
	row row // as it is to be stored
}

// touch extends the session. A failure is only observed: the request did not
// depend on it, and the next one tries again.
func (f *flow) touch(ctx context.Context) {
	c, t := touch{f: f, row: f.row}, f.b.meter()
	_, outcome, err := f.change(ctx, change{isTouch: true, next: c.next, conflict: c.conflict}, t)
	switch {
	case err != nil:
		f.event(ctx, EventError, f.row, t, err)
		return
	case outcome == writeGone:
		f.setGone(ctx)
		return
	case outcome == writeMade:
		f.event(ctx, EventTouched, f.row, t, nil)
	}
	// Only the times: Data is still based on the version that was loaded.
	f.row.seen, f.row.expires = c.row.seen, c.row.expires
	f.setReply(&c.row)
}

func (c *touch) next(context.Context) (r row, nothing bool, err error) {
	c.row.seen = nowMillis()
	c.row.expires = c.f.b.endAfter(&c.row, c.row.seen)
	return c.row, false, nil
}

func (c *touch) conflict(_ context.Context, _, latest row, err error) (verdict, error) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if err != nil {
		return giveUp, err
	}
	if !c.f.reclaim(&latest) {
		return giveUp, nil
	}
	c.row = latest
	if !c.f.b.isDue(&latest) {
		return notNeeded, nil // another request extended it
	}
	return tryAgain, nil
}
