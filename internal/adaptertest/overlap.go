package adaptertest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// slow is a request that is held in its handler.
type slow struct {
	entered chan struct{}
	release chan struct{}
	free    func() // lets it go on
	done    <-chan timed
}

// hold makes path a route that gets its session, does first, waits for end, and
// does then.
func (s *site) hold(path string, first, then func(Context, *visit) error) *slow {
	h := &slow{entered: make(chan struct{}), release: make(chan struct{})}
	h.free = sync.OnceFunc(func() { close(h.release) })
	s.t.Cleanup(h.free) // a server waits for its handlers, even if the test failed
	s.on(path, func(c Context, v *visit) error {
		if err := first(c, v); err != nil {
			return err
		}
		close(h.entered)
		<-h.release
		return then(c, v)
	})
	return h
}

// begin sends b there, and returns once it waits.
func (h *slow) begin(b *browser, path string) {
	h.done = b.start(path)
	select {
	case <-h.entered:
	case r := <-h.done:
		b.site.t.Fatalf("GET %s ended before it was held: %d %q, %v", path, r.status, r.body, r.err)
	}
}

// end lets the request go on, and returns its response.
func (h *slow) end(t *testing.T) reply {
	t.Helper()
	h.free()
	r := <-h.done
	if r.err != nil {
		t.Fatalf("the slow request: %v", r.err)
	}
	return r.reply
}

// overlap has one request change first, and save after another one that changes
// second. The record counts to 1, and has the tag a of 1.
func (e env) overlap(t *testing.T, cfg config, first, second func(*Visits)) (s *site, b *browser, late reply) {
	t.Helper()
	s = e.open(t, cfg)
	s.on("/tag", func(_ Context, v *visit) error { v.Data.Tags = map[string]int{"a": 1}; return nil })
	s.on("/quick", func(_ Context, v *visit) error { second(&v.Data); return nil })
	held := s.hold("/slow", func(_ Context, v *visit) error { first(&v.Data); return nil }, onlyRead)
	b = s.returning()
	b.get("/tag")
	held.begin(s.browserWith(b.token()), "/slow")
	b.get("/quick").expectCookie(t)
	late = held.end(t)
	return s, b, late
}

func TestOverlappingChangesAreBothKept(t *testing.T, e env) {
	for name, tt := range map[string]struct {
		first, second func(*Visits)
		want          Visits
	}{
		"two fields": {func(v *Visits) { v.Count = 5 }, func(v *Visits) { v.Name = "Ada" },
			Visits{Count: 5, Name: "Ada", Tags: map[string]int{"a": 1}}},
		"two keys of a map": {func(v *Visits) { v.Tags["b"] = 2 }, func(v *Visits) { v.Tags["c"] = 3 },
			Visits{Count: 1, Tags: map[string]int{"a": 1, "b": 2, "c": 3}}},
		"a key deleted, another added": {func(v *Visits) { delete(v.Tags, "a") }, func(v *Visits) { v.Tags["c"] = 3 },
			Visits{Count: 1, Tags: map[string]int{"c": 3}}},
		"the same change twice": {func(v *Visits) { v.Name = "Ada" }, func(v *Visits) { v.Name = "Ada" },
			Visits{Count: 1, Name: "Ada", Tags: map[string]int{"a": 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b, late := e.overlap(t, config{}, tt.first, tt.second)
			late.expectStatus(t, http.StatusOK)
			late.expectCookie(t)
			s.expectStored(b.id(), tt.want)
			s.expectEvents(session.EventConflict, 0)
		})
	}
}

func TestOverlappingChangesOfOneFieldAreObserved(t *testing.T, e env) {
	s, b, late := e.overlap(t, config{},
		func(v *Visits) { v.Name, v.Tags["a"] = "slow", 2 },
		func(v *Visits) { v.Name, v.Tags["b"] = "quick", 2 })
	late.expectCookie(t)
	s.expectStored(b.id(), Visits{Count: 1, Name: "slow", Tags: map[string]int{"a": 2, "b": 2}})
	s.expectEvents(session.EventConflict, 1)
}

func TestOverlappingChangesGoThroughTheConfiguredMerge(t *testing.T, e env) {
	add := func(base, mine, theirs *Visits) (Visits, error) {
		merged := *theirs
		merged.Count += mine.Count - base.Count
		return merged, nil
	}
	s, b, late := e.overlap(t, config{Session: sessions{Merge: add}},
		func(v *Visits) { v.Count += 10 }, func(v *Visits) { v.Count += 100 })
	late.expect(t, http.StatusOK, "11") // it answered before it saved
	s.expectStored(b.id(), Visits{Count: 111, Tags: map[string]int{"a": 1}})
}

func TestMergeThatFailsChangesNothing(t *testing.T, e env) {
	refuse := func(base, mine, theirs *Visits) (Visits, error) { return Visits{}, errBroken }
	asked := &complaints{answer: e.teapot()}
	s, b, late := e.overlap(t, config{ErrorHandler: asked.handle, Session: sessions{Merge: refuse}},
		func(v *Visits) { v.Count += 10 }, func(v *Visits) { v.Count += 100 })
	late.expect(t, http.StatusTeapot, e.teapotPage())
	late.expectNoCookie(t)
	asked.expect(t, session.OpSave)
	s.expectStored(b.id(), Visits{Count: 101, Tags: map[string]int{"a": 1}})
}

func TestFailingUpdateChangesNothing(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/update", func(c Context, v *visit) error {
		err := v.Update(c.Request().Context(), func(d *Visits) error { d.Count = 50; return errBroken })
		if !errors.Is(err, errBroken) || v.Data.Count != 1 {
			t.Errorf("Update: %v with the count %d, expected the function's error and 1", err, v.Data.Count)
		}
		return nil
	})
	b := s.returning()
	b.get("/update").expectNoCookie(t)
	s.expectStored(b.id(), Visits{Count: 1})
}

func TestConcurrentUpdatesAddUp(t *testing.T, e env) {
	const requests = 200
	s := e.open(t, config{})
	s.on("/update", updateCount(1))
	b := s.returning()
	var clients sync.WaitGroup
	for range requests {
		clients.Go(func() {
			if r, err := b.fetch("/update", func(*http.Request) {}); err != nil || r.status != http.StatusOK {
				t.Errorf("GET /update: %d %q, %v, expected 200", r.status, r.body, err)
			}
		})
	}
	clients.Wait()
	s.expectStored(b.id(), Visits{Count: 1 + requests})
	s.expectEvents(session.EventConflict, 0)
}

// TestConcurrentRequestsOfOneSessionShareNoMap: each request has a copy of the
// map, so that no write of one is another's.
func TestConcurrentRequestsOfOneSessionShareNoMap(t *testing.T, e env) {
	const clients, rounds = 8, 6
	s := e.open(t, config{})
	want := map[string]int{}
	for i := range clients {
		key := fmt.Sprint(i)
		want[key] = rounds
		s.handle("/tag/"+key, using(func(c Context, v *visit) error {
			p, err := session.Peek[Visits](c)
			if err != nil {
				return err
			}
			maps.DeleteFunc(p.Tags, func(string, int) bool { return true }) // a peek is a copy as well
			if v.Data.Tags == nil {
				v.Data.Tags = map[string]int{}
			}
			for key := range v.Data.Tags {
				v.Data.Tags[key] += 0
			}
			v.Data.Tags[key]++
			return noContent(c)
		}))
	}
	b := s.returning()
	var all sync.WaitGroup
	for key := range want {
		all.Go(func() {
			for range rounds {
				if r, err := b.fetch("/tag/"+key, func(*http.Request) {}); err != nil || r.status != http.StatusNoContent {
					t.Errorf("GET /tag/%s: %d %q, %v, expected 204", key, r.status, r.body, err)
				}
			}
		})
	}
	all.Wait()
	s.expectStored(b.id(), Visits{Count: 1, Tags: want})
}

func TestGoroutinesOfOneRequestGetTheSameSession(t *testing.T, e env) {
	s := e.open(t, config{InContext: true})
	s.handle("/crowd", func(c Context) error {
		var crowd sync.WaitGroup
		var got [8]*visit
		start := make(chan struct{})
		ctx := c.Request().Context()
		for i := range got {
			crowd.Go(func() {
				<-start
				var err error
				switch i % 4 {
				case 0:
					if p, err := session.Peek[Visits](c); err != nil || p.Count != 1 {
						t.Errorf("Peek: %+v, %v, expected the count 1", p, err)
					}
					fallthrough
				case 1, 2:
					got[i], err = session.Get[Visits](c)
				case 3:
					got[i], err = session.FromContext[Visits](ctx)
				}
				if err != nil || got[i].Token() == "" || got[i].IsNew() {
					t.Errorf("Get: %v, %v, expected the stored session", got[i], err)
				}
			})
		}
		close(start)
		crowd.Wait()
		for _, v := range got {
			if v != got[0] {
				t.Errorf("the sessions are %p, expected one", got)
				break
			}
		}
		got[0].Data.Count++
		return noContent(c)
	})
	b := s.returning()
	b.get("/crowd").expectCookie(t)
	s.expectCalls("load", "update")
	s.expectStored(b.id(), Visits{Count: 2})
}

// TestGoroutineThatOutlivesItsRequest: a framework may give the context of a
// request that has ended to the next one. A goroutine that kept its session must
// not find the next one's there.
func TestGoroutineThatOutlivesItsRequest(t *testing.T, e env) {
	const goroutines, others = 4, 50
	s := e.open(t, config{
		InContext: true,
		BeforeSave: func(c Context, v *visit) error {
			if v.Data.Count < 0 { // as only the goroutines left it
				c.Response().Header().Set("X-Foreign", "1")
			}
			return nil
		},
		ErrorHandler: func(c Context, _ session.Op, err error) error {
			c.Response().Header().Set("X-Asked", "1")
			return err
		},
	})

	turns := make(chan struct{}, goroutines) // for each request that the others made
	var background sync.WaitGroup
	complain := make(chan string, 100)
	s.handle("/leave", using(func(c Context, v *visit) error {
		ctx := c.Request().Context()
		background.Go(func() {
			for range turns {
				v.Data.Count = -1
				v.Renew()
				for name, err := range map[string]error{
					"Save":   v.Save(t.Context()),
					"Update": v.Update(t.Context(), func(d *Visits) error { d.Count = -2; return nil }),
					"Reload": v.Reload(t.Context()),
				} {
					if err == nil {
						complain <- name + " after the request returned nil, expected an error"
						return
					}
				}
				if late, err := session.FromContext[Visits](ctx); err == nil && late != v {
					complain <- "FromContext with the old context returns another session"
					return
				}
				_, _, _ = v.ID(), v.Token(), v.ExpiresAt()
			}
		})
		return text(c, http.StatusOK, page)
	}))
	s.handle("/next", counting(noContent))

	left := make([]string, goroutines)
	for i := range left {
		left[i] = s.token(7)
		s.get("/leave", left[i]).expect(t, http.StatusOK, page)
	}
	s.idle()

	var clients sync.WaitGroup
	tokens := make([]string, goroutines)
	for i := range tokens {
		tokens[i] = s.token(0)
		clients.Go(func() {
			for n := range others {
				select {
				case turns <- struct{}{}:
				default:
				}
				got, err := fetch(s.server.Client(), s.request(http.MethodGet, "/next", tokens[i]))
				if err != nil {
					complain <- err.Error()
					return
				}
				if got.status != http.StatusNoContent || got.header.Get("X-Asked") != "" || got.header.Get("X-Foreign") != "" {
					complain <- fmt.Sprintf("request %d is answered %d with the header %v, expected 204 and nothing of the others", n, got.status, got.header)
					return
				}
				for _, c := range got.ofSession() {
					if c.Value != tokens[i] {
						complain <- "a request is answered with the token of another session"
						return
					}
				}
			}
		})
	}
	clients.Wait()
	close(turns)
	background.Wait()
	expectNoComplaint(t, complain)
	for _, token := range left {
		s.expectRead(token, 7)
	}
	for _, token := range tokens {
		s.expectRead(token, others)
	}
}

// expectNoComplaint fails with what goroutines have sent.
func expectNoComplaint(t *testing.T, complain chan string) {
	t.Helper()
	close(complain)
	var all []string
	for what := range complain {
		all = append(all, what)
	}
	if len(all) > 0 {
		t.Error(strings.Join(all, "\n"))
	}
}

// TestFailedCommitsShareNothing: requests that fail in each other's middle, with
// one pool of contexts, have each their own answer.
func TestFailedCommitsShareNothing(t *testing.T, e env) {
	s := e.open(t, config{})
	s.handle("/change", counting(pageAs(http.StatusOK)))
	s.handle("/look", reading(pageAs(http.StatusOK)))
	token := s.token(7)
	s.store.fail("update", session.ErrUnavailable)
	var clients sync.WaitGroup
	complain := make(chan string, 100)
	for i := range 4 {
		path, status, body := "/change", http.StatusServiceUnavailable, e.errorPage(http.StatusServiceUnavailable)
		if i%2 == 0 {
			path, status, body = "/look", http.StatusOK, page
		}
		clients.Go(func() {
			for range 25 {
				got, err := fetch(s.server.Client(), s.request(http.MethodGet, path, token))
				if err != nil || got.status != status || got.body != body {
					complain <- fmt.Sprintf("GET %s: %d %q, %v, expected %d %q", path, got.status, got.body, err, status, body)
					return
				}
			}
		})
	}
	clients.Wait()
	expectNoComplaint(t, complain)
	s.expectRead(token, 7)
}
