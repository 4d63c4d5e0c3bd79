package echoadapter_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Failures of other libraries: requests of one session that overlap.

// overlap has one request change first, and save after another one that changes
// second. The record counts to 1, and has the tag a of 1.
func overlap(t *testing.T, cfg echoadapter.Config[visits], first, second func(*visits)) (s *site, b *browser, late reply) {
	t.Helper()
	s = open(t, cfg)
	s.on("/tag", func(_ echo.Context, v *session.Session[visits]) error {
		v.Data.Tags = map[string]int{"a": 1}
		return nil
	})
	s.on("/quick", func(_ echo.Context, v *session.Session[visits]) error { second(&v.Data); return nil })
	held := s.hold("/slow", func(_ echo.Context, v *session.Session[visits]) error { first(&v.Data); return nil }, onlyRead)
	b = s.returning()
	b.get("/tag")
	slow := s.browserWith(b.token())
	held.begin(slow, "/slow")
	b.get("/quick").expectCookie(t)
	late = held.end(t)
	return s, b, late
}

func TestOverlappingChangesAreBothKept(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name          string
		first, second func(*visits)
		want          visits
	}{
		{"two fields", func(v *visits) { v.Count = 5 }, func(v *visits) { v.Name = "Ada" },
			visits{Count: 5, Name: "Ada", Tags: map[string]int{"a": 1}}},
		{"two keys of a map", func(v *visits) { v.Tags["b"] = 2 }, func(v *visits) { v.Tags["c"] = 3 },
			visits{Count: 1, Tags: map[string]int{"a": 1, "b": 2, "c": 3}}},
		{"a key deleted, another added", func(v *visits) { delete(v.Tags, "a") }, func(v *visits) { v.Tags["c"] = 3 },
			visits{Count: 1, Tags: map[string]int{"c": 3}}},
		{"the same change twice", func(v *visits) { v.Name = "Ada" }, func(v *visits) { v.Name = "Ada" },
			visits{Count: 1, Name: "Ada", Tags: map[string]int{"a": 1}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s, b, late := overlap(t, echoadapter.Config[visits]{Defer: deferred}, row.first, row.second)
				late.expectStatus(t, http.StatusOK)
				late.expectCookie(t)
				s.expectStored(b.id(), row.want)
				s.expectEvents(session.EventConflict, 0)
			})
		})
	}
}

func TestOverlappingChangesOfOneFieldAreToldOf(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s, b, late := overlap(t, echoadapter.Config[visits]{Defer: deferred},
			func(v *visits) { v.Name, v.Tags["a"] = "slow", 2 },
			func(v *visits) { v.Name, v.Tags["b"] = "quick", 2 })
		late.expectCookie(t)
		s.expectStored(b.id(), visits{Count: 1, Name: "slow", Tags: map[string]int{"a": 2, "b": 2}})
		s.expectEvents(session.EventConflict, 1)
	})
}

func TestOverlappingChangesGoThroughTheConfiguredMerge(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		add := func(base, mine, theirs *visits) (visits, error) {
			merged := *theirs
			merged.Count += mine.Count - base.Count
			return merged, nil
		}
		s, b, late := overlap(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Merge: add}},
			func(v *visits) { v.Count += 10 }, func(v *visits) { v.Count += 100 })
		late.expect(t, http.StatusOK, "11") // it answered before it saved
		s.expectStored(b.id(), visits{Count: 111, Tags: map[string]int{"a": 1}})
	})
}

func TestMergeThatFailsChangesNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		refuse := func(base, mine, theirs *visits) (visits, error) { return visits{}, errBroken }
		told := &complaints{answer: teapot}
		s, b, late := overlap(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle, Session: session.Config[visits]{Merge: refuse}},
			func(v *visits) { v.Count += 10 }, func(v *visits) { v.Count += 100 })
		late.expect(t, http.StatusTeapot, teapotBody)
		late.expectNoCookie(t)
		told.expect(t, session.OpSave)
		s.expectStored(b.id(), visits{Count: 101, Tags: map[string]int{"a": 1}})
	})
}

func TestFailingUpdateChangesNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/update", func(c echo.Context, v *session.Session[visits]) error {
			err := v.Update(c.Request().Context(), func(d *visits) error { d.Count = 50; return errBroken })
			if !errors.Is(err, errBroken) || v.Data.Count != 1 {
				t.Errorf("Update: %v with the count %d, expected the function's error and 1", err, v.Data.Count)
			}
			return nil
		})
		b := s.returning()
		b.get("/update").expectNoCookie(t)
		s.expectStored(b.id(), visits{Count: 1})
	})
}

// Each request has a copy of the map: no write of one is another's.
func TestConcurrentRequestsOfOneSessionShareNoMap(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		const clients, rounds = 8, 6
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/tag/:key", func(c echo.Context) error {
			v, err := session.Get[visits](c)
			if err != nil {
				return err
			}
			p, err := session.Peek[visits](c)
			if err != nil {
				return err
			}
			if v.Data.Tags == nil {
				v.Data.Tags = map[string]int{}
			}
			maps.DeleteFunc(p.Tags, func(string, int) bool { return true }) // a peek is nobody else's either
			for key := range v.Data.Tags {
				v.Data.Tags[key] += 0
			}
			v.Data.Tags[c.Param("key")]++
			return noContent(c)
		})
		b := s.returning()
		want := map[string]int{}
		var all sync.WaitGroup
		for i := range clients {
			path := fmt.Sprintf("/tag/%d", i)
			want[path[len("/tag/"):]] = rounds
			all.Go(func() {
				for range rounds {
					if r, err := b.fetch(path); err != nil || r.status != http.StatusNoContent {
						t.Errorf("GET %s: %d %q, %v, expected 204", path, r.status, r.body, err)
					}
				}
			})
		}
		all.Wait()
		s.expectStored(b.id(), visits{Count: 1, Tags: want})
	})
}
