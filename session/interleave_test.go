package session_test

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestInterleavings plays worlds. In a world a few browsers, administrators and
// background jobs work at once on the sessions of one store. Its seed decides what
// they do (interleave_generate_test.go), in which order their calls of the store are
// made, and which of those fail, get no answer, or are carried out later.
//
// The promises are in interleave_rules_test.go. They are judged after every write
// (writes), every load (token), every operation, response and log-out (ends), and
// when all is done (checkEnd). To find where one is judged, search for its variable.
// A world that breaks a promise is shortened and printed as a list of what happens.
//
//	ECHOSESSION_WORLDS=6000       how many worlds, half of them with faults; default 3000
//	ECHOSESSION_FIRST=1           the first seed
//	ECHOSESSION_WORLD=faults/17   play and print one world. If deadlines meet answers in
//	                              it, it may need a few tries, as Go then chooses at random
//	ECHOSESSION_SURVEY=1          count the broken worlds by promise and print none

// defaultWorlds is how many worlds there are without ECHOSESSION_WORLDS, and
// shortWorlds with -short.
const (
	defaultWorlds = 3000
	shortWorlds   = 300
)

func TestInterleavings(t *testing.T) {
	if world := os.Getenv("ECHOSESSION_WORLD"); world != "" {
		playOne(t, world)
		return
	}
	worlds := number(t, "ECHOSESSION_WORLDS", defaultWorlds)
	if testing.Short() {
		worlds = number(t, "ECHOSESSION_WORLDS", shortWorlds)
	}
	first := number(t, "ECHOSESSION_FIRST", 1)
	for _, m := range []worldMode{withoutFaults, withFaults} {
		t.Run(string(m), func(t *testing.T) {
			s := &survey{mode: m, first: first, worlds: worlds / 2, sum: tally{}, seeds: map[string][]uint64{}}
			s.run(t)
		})
	}
}

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number from 1 on", name, text)
	}
	return n
}

// playOne plays one world and prints it.
func playOne(t *testing.T, world string) {
	m, text, _ := strings.Cut(world, "/")
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil || worldMode(m) != withFaults && worldMode(m) != withoutFaults {
		t.Fatalf("ECHOSESSION_WORLD is %q, want %s/1 or %s/1", world, withFaults, withoutFaults)
	}
	tr, p := new(trace), planOf(worldMode(m), seed)
	broken := play(t, p, tr, tally{})
	t.Log("\n" + strings.Join(tr.lines, "\n"))
	told := map[rule]bool{}
	for _, v := range broken {
		if !told[v.rule] {
			told[v.rule] = true
			t.Errorf("%s", explainWorld(t, p, v.rule))
		}
	}
}

// survey plays many worlds of one mode, on all processors.
type survey struct {
	mode   worldMode
	first  int
	worlds int
	next   atomic.Int64

	mu     sync.Mutex
	sum    tally
	seeds  map[string][]uint64 // the seeds that break a rule
	failed int
}

// maxPrinted is how many broken worlds are printed; after as many the survey ends.
const maxPrinted = 3

func (s *survey) run(t *testing.T) {
	begin := time.Now()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() { s.work(t) })
	}
	wg.Wait()
	t.Logf("%d worlds, %s, %v\n%s", s.worlds, s.mode, time.Since(begin).Round(time.Millisecond), s.sum)
	for _, name := range slices.Sorted(maps.Keys(s.seeds)) {
		seeds := s.seeds[name]
		slices.Sort(seeds)
		t.Logf("%-16s %5d worlds: %v", name, len(seeds), seeds[:min(len(seeds), 12)])
	}
}

// work plays worlds until there are none left, or enough were broken.
func (s *survey) work(t *testing.T) {
	sum := tally{}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sum.add(sum)
	}()
	for n := s.next.Add(1); n <= int64(s.worlds); n = s.next.Add(1) {
		p := planOf(s.mode, uint64(s.first)+uint64(n)-1)
		if n%50000 == 0 {
			fmt.Printf("%s: %d of %d worlds\n", s.mode, n, s.worlds)
		}
		watch := watchFor(p)
		broken := play(t, p, nil, sum)
		watch.Stop()
		if len(broken) == 0 {
			continue
		}
		if !s.report(t, p, broken) {
			return
		}
	}
}

// watchFor ends the test if a world hangs: a goroutine that waits for a mutex
// cannot be seen from inside of a bubble.
func watchFor(p *plan) *time.Timer {
	return time.AfterFunc(time.Minute, func() {
		panic(fmt.Sprintf("the world %s/%d hangs", p.mode, p.seed))
	})
}

// report prints a broken world, and reports whether the survey goes on.
func (s *survey) report(t *testing.T, p *plan, broken []violation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range broken {
		if seeds := s.seeds[v.rule.name]; len(seeds) == 0 || seeds[len(seeds)-1] != p.seed {
			s.seeds[v.rule.name] = append(seeds, p.seed)
		}
	}
	if os.Getenv("ECHOSESSION_SURVEY") != "" {
		return true
	}
	if s.failed++; s.failed > maxPrinted {
		return false
	}
	t.Errorf("%s", explainWorld(t, p, broken[0].rule))
	return true
}

// explainWorld makes the plan of a broken world as short as it can, and returns
// what happens in it.
func explainWorld(t *testing.T, p *plan, r rule) string {
	breaks := func(p *plan) bool {
		return slices.ContainsFunc(play(t, p, nil, tally{}), func(v violation) bool { return v.rule == r })
	}
	short := shrink(p, breaks)
	tr := new(trace)
	broken := play(t, short, tr, tally{})
	var b strings.Builder
	fmt.Fprintf(&b, "the world %s/%d breaks a rule.\n", p.mode, p.seed)
	for _, v := range broken {
		fmt.Fprintf(&b, "%v\n", v)
	}
	fmt.Fprintf(&b, "\nIts shortest form:\n%s\n\n", strings.Join(tr.lines, "\n"))
	fmt.Fprintf(&b, "The whole world: ECHOSESSION_WORLD=%s/%d go test -run '^TestInterleavings$' -v ./session", p.mode, p.seed)
	return b.String()
}
