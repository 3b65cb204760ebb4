package main

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// program is the specification ready to run.
type program struct {
	mixes   map[string]*mix
	stores  map[string]*store
	pools   map[string]*sync.Pool
	tenured map[float64]*tenured
	kinds   map[string]*kind
	main    *kind
}

// kind is a kind of goroutine.
type kind struct {
	stack, idleStack int
	steps            []step
}

// goroutine is the state of one that runs; they are reused, so that they are no garbage.
type goroutine struct {
	kind     *kind
	random   random
	at       uint32 // in the decks
	writes   float64
	ahead    float64 // ns of computing that was done before it was due
	last     uint64
	children sync.WaitGroup
	keeps    map[*mix]*family // until it ends
	passing  family           // on its way to somebody else
	lent     []loan
	grown    []reflect.Value // slices and maps that it keeps until it ends
	wake     chan float64
}

type loan struct {
	pool *sync.Pool
	what any
}

type step func(g *goroutine)

var goroutines = struct {
	sync.Mutex
	idle, all []*goroutine
}{}

// run is what a goroutine of this kind does from start to end. Of its computing, what was done
// ahead (ns) is left out; it returns what was left of that at the end.
func (k *kind) run(ahead float64) float64 {
	goroutines.Lock()
	var g *goroutine
	if last := len(goroutines.idle) - 1; last >= 0 {
		g, goroutines.idle = goroutines.idle[last], goroutines.idle[:last]
	} else {
		g = &goroutine{random: newRandom(), keeps: map[*mix]*family{}, wake: make(chan float64, 1)}
		goroutines.all = append(goroutines.all, g)
	}
	goroutines.Unlock()
	g.kind, g.at, g.ahead = k, uint32(g.random.next()), ahead
	g.follow(k.steps)
	for _, l := range g.lent {
		l.pool.Put(l.what)
	}
	clear(g.lent)
	g.lent = g.lent[:0]
	clear(g.grown)
	g.grown = g.grown[:0]
	for _, f := range g.keeps {
		f.clear()
	}
	ahead = g.ahead
	goroutines.Lock()
	goroutines.idle = append(goroutines.idle, g)
	goroutines.Unlock()
	return ahead
}

func (g *goroutine) follow(steps []step) {
	for _, s := range steps {
		s(g)
	}
}

const frame = 256

// deep calls f with so many bytes of stack in use.
//
//go:noinline
func deep(bytes int, f func()) byte {
	var room [frame - 64]byte
	room[bytes&127] = byte(bytes)
	if bytes > frame {
		return room[7] + deep(bytes-frame, f)
	}
	f()
	return room[9]
}

// frames is what using so much stack takes (ns).
func frames(bytes int) float64 { return float64(bytes/frame) * cost.frame }

func (p *program) compile(steps []stepSpec) []step {
	compiled := make([]step, len(steps))
	for i, s := range steps {
		compiled[i] = p.compileStep(s)
	}
	return compiled
}

func (p *program) compileStep(s stepSpec) step {
	switch s.Do {
	case "work":
		return p.work(s)
	case "spin":
		took := s.Time.compile()
		return onStack(func(g *goroutine) {
			for begin, d := time.Now(), time.Duration(took.draw(&g.random)); time.Since(begin) < d; {
			}
		})
	case "wait":
		return wait(s)
	case "publish":
		to := p.stores[s.Store]
		return func(g *goroutine) { to.publish(g.family(to.of)) }
	case "borrow":
		from := p.pools[s.Pool]
		return func(g *goroutine) { g.lent = append(g.lent, loan{from, from.Get()}) }
	case "collect":
		return func(*goroutine) { runtime.GC() }
	case "append":
		return appending(s)
	case "insert":
		return inserting(s)
	case "syscall":
		return systemCall(s)
	case "setgcpercent":
		return func(*goroutine) { debug.SetGCPercent(int(s.Value)) }
	case "setmemorylimit":
		return func(*goroutine) { debug.SetMemoryLimit(s.Value) }
	case "repeat":
		steps := p.compile(s.Steps)
		return func(g *goroutine) {
			for i := 0; i < s.Times; i++ {
				g.follow(steps)
			}
		}
	case "spawn":
		return p.spawn(s)
	}
	panic("unknown step " + s.Do)
}

func wait(s stepSpec) step {
	took := s.Time.compile()
	return func(g *goroutine) {
		d := time.Duration(took.draw(&g.random))
		if d <= 0 {
			return
		}
		g.ahead += frames(g.kind.idleStack)
		deep(g.kind.idleStack, func() {
			if s.Via == "network" {
				outside().wait(d, g)
			} else {
				time.Sleep(d)
			}
		})
	}
}

// systemCall blocks in the kernel, which the runtime is told of as of any other system call.
func systemCall(s stepSpec) step {
	took := s.Time.compile()
	return onStack(func(g *goroutine) {
		left := syscall.NsecToTimespec(int64(took.draw(&g.random)))
		syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_TIMERSLACK, 1, 0)
		for left.Nano() > 0 && syscall.Nanosleep(&left, &left) == syscall.EINTR {
		}
	})
}

func onStack(s step) step {
	return func(g *goroutine) {
		g.ahead += frames(g.kind.stack)
		deep(g.kind.stack, func() { s(g) })
	}
}

func (p *program) spawn(s stepSpec) step {
	child := p.kinds[s.Goroutine]
	return func(g *goroutine) {
		for i := 0; i < s.Count; i++ {
			if !s.Wait {
				go child.run(0)
				continue
			}
			g.children.Add(1)
			go func() {
				child.run(0)
				g.children.Done()
			}()
		}
		if s.Wait {
			deep(g.kind.idleStack, g.children.Wait)
		}
	}
}

func (g *goroutine) family(m *mix) *family {
	f := g.keeps[m]
	if f == nil {
		f = new(family)
		g.keeps[m] = f
	}
	return f
}

// stretch is how long computing may be put off while objects are allocated (ns).
const stretch = 10_000

func (p *program) work(s stepSpec) step {
	cpu, bytes, m := s.CPU.compile(), s.Allocate.compile(), p.mixes[s.Of]
	keep, limit := p.keeper(s)
	finalizer := newFinalizer(s.Finalizer)
	waiting := bigFamily / generations
	if limit > 0 {
		waiting = limit / generations
	}
	return onStack(func(g *goroutine) {
		ns, left := cpu.draw(&g.random), 0.0
		if m != nil {
			left = bytes.draw(&g.random)
		}
		if left <= 0 {
			g.compute(ns, s.PointerWrites)
			return
		}
		perByte := ns / left
		var f *family
		var crossing *random
		if limit != smallFamily {
			crossing = &g.random
		}
		if limit > 0 {
			f = &g.passing
		} else if keep != nil {
			f = g.family(m)
		}
		for h := (handful{}); ; {
			begin := tick()
			for i := 0; i < h.count; i++ {
				t, links := &m.types[h.cards[i].kind], int(h.cards[i].links)
				if finalizer != nil {
					linkAnywhere(h.objects[i], links)
					links = 0
				}
				if f == nil {
					linkAnywhere(h.objects[i], links)
				} else if f.add(h.objects[i], t.requested, links, waiting, crossing); f.count == limit {
					keep(g, f)
				}
			}
			drawn := h.draw(m, g, left, stretch/perByte)
			g.book(begin)
			if h.count == 0 {
				break
			}
			g.compute(perByte*drawn, s.PointerWrites)
			left -= drawn
			h.allocate(m)
			g.ahead += float64(h.count) * cost.typed
			if finalizer != nil {
				h.setFinalizers(m, finalizer)
			}
		}
		if limit > 0 {
			begin := tick()
			keep(g, f)
			g.book(begin)
		}
		g.compute(perByte*max(left, 0), s.PointerWrites)
	})
}

// keeper says who keeps what a step allocates, and how many objects at a time: nil for garbage; the
// goroutine itself keeps without limit.
func (p *program) keeper(s stepSpec) (keep func(*goroutine, *family), limit int) {
	if s.Into != "" {
		to := p.stores[s.Into]
		return func(_ *goroutine, f *family) { to.take(f) }, to.familySize()
	}
	switch s.Lives {
	case "step":
		return nil, 0
	case "goroutine":
		return func(*goroutine, *family) {}, 0
	case "forever":
		to := &store{replacement: "none"}
		return func(_ *goroutine, f *family) { to.take(f) }, bigFamily
	}
	to := p.tenured[s.LivesNs]
	if to == nil {
		to = newTenured(s.LivesNs)
		p.tenured[s.LivesNs] = to
	}
	return func(g *goroutine, f *family) { to.take(f, &g.random) }, smallFamily
}

func compile(s *spec) *program {
	p := &program{
		mixes: map[string]*mix{}, stores: map[string]*store{}, pools: map[string]*sync.Pool{},
		tenured: map[float64]*tenured{}, kinds: map[string]*kind{},
	}
	for name, objects := range s.Mixes {
		p.mixes[name] = newMix(name, objects)
	}
	for name, o := range s.Stores {
		p.stores[name] = &store{
			of: p.mixes[o.Of], capacity: o.Size, replacement: o.Replacement, random: newRandom(),
			queue: newQueue(o.Structure),
		}
	}
	for name, o := range s.Pools {
		kind := newObjectType(o)
		p.pools[name] = &sync.Pool{New: func() any { return kind.allocate() }}
	}
	for name, k := range s.Goroutines {
		p.kinds[name] = &kind{stack: k.Stack, idleStack: k.IdleStack}
	}
	for name, k := range s.Goroutines {
		p.kinds[name].steps = p.compile(k.Steps)
	}
	p.main = &kind{stack: frame, idleStack: frame, steps: p.mainSteps(s)}
	return p
}

// mainSteps are what main does before the load comes: it fills stores, and what else it is told.
func (p *program) mainSteps(s *spec) []step {
	var fill []stepSpec
	for name, o := range s.Stores {
		if o.Filled {
			size := valuesSpec{o.Size}
			fill = append(fill, stepSpec{Do: "work", Allocate: size, Of: o.Of, Into: name})
		}
	}
	return p.compile(append(fill, s.Main...))
}
