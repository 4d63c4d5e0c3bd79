package session_test

import (
	"fmt"
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

// The interleaving test makes worlds. In a world a few browsers, administrators
// and background jobs work at once on the sessions of one store, each a goroutine
// in a bubble of testing/synctest. Every call of the store is a point where the
// plan of the world decides who goes on, and in half of the worlds the plan lets
// calls fail: before they are made, after, or with the write applied later.
//
// What the library promises is checked after every write, every operation and
// every response, and at the end: see the rules. A world that breaks one is made
// shorter and printed, with the command that plays it again.
//
//	ECHOSESSION_WORLDS  how many worlds, half of them with faults; default 3000
//	ECHOSESSION_WORLD   one world to play and print, such as faults/17
//	ECHOSESSION_FIRST   the first seed; default 1

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
			s := &survey{mode: m, first: first, worlds: worlds / 2, sum: newTally(), seeds: map[string][]uint64{}}
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
	broken := play(t, p, tr, newTally())
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
	sum    *tally
	seeds  map[string][]uint64 // the seeds that break a rule
	failed int
}

// maxPrinted is how many broken worlds are printed; after as many the survey ends.
const maxPrinted = 3

func (s *survey) run(t *testing.T) {
	begin := time.Now()
	if s.worlds >= 10*defaultWorlds {
		stop := s.printProgress()
		defer stop()
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() { s.work(t) })
	}
	wg.Wait()
	t.Logf("%s, %v\n%s", s.mode, time.Since(begin).Round(time.Millisecond), s.sum)
	for _, name := range slices.Sorted(mapKeys(s.seeds)) {
		seeds := s.seeds[name]
		slices.Sort(seeds)
		t.Logf("%-16s %5d worlds: %v", name, len(seeds), seeds[:min(len(seeds), maxSeeds())])
	}
}

// printProgress prints how far the survey is until stop is called.
func (s *survey) printProgress() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(5 * time.Second)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				fmt.Printf("%s: %d of %d worlds\n", s.mode, min(s.next.Load(), int64(s.worlds)), s.worlds)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// work plays worlds until there are none left, or enough were broken.
func (s *survey) work(t *testing.T) {
	sum := newTally()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sum.add(sum)
	}()
	for n := s.next.Add(1); n <= int64(s.worlds); n = s.next.Add(1) {
		p := planOf(s.mode, uint64(s.first)+uint64(n)-1)
		sum.worlds++
		watch := watchFor(p)
		broken := s.unknown(play(t, p, nil, sum))
		watch.Stop()
		if len(broken) == 0 {
			continue
		}
		sum.broken++
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
		return slices.ContainsFunc(play(t, p, nil, newTally()), func(v violation) bool { return v.rule == r })
	}
	short := shrink(p, breaks)
	tr := new(trace)
	broken := play(t, short, tr, newTally())
	var b strings.Builder
	fmt.Fprintf(&b, "the world %s/%d breaks a rule.\n", p.mode, p.seed)
	for _, v := range broken {
		fmt.Fprintf(&b, "%v\n", v)
	}
	fmt.Fprintf(&b, "\nIts shortest form:\n%s\n\n", strings.Join(tr.lines, "\n"))
	fmt.Fprintf(&b, "The whole world: ECHOSESSION_WORLD=%s/%d go test -run '^TestInterleavings$' -v ./session", p.mode, p.seed)
	return b.String()
}

func maxSeeds() int {
	if os.Getenv("ECHOSESSION_ALL") != "" {
		return 1 << 30
	}
	return 12
}
