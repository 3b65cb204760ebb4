package main

import (
	"reflect"
	"unsafe"
)

// mix is what is allocated together. The deck lists kinds of objects in random order, as often as
// their shares say: drawing the next object costs next to nothing.
type mix struct {
	name  string
	types []objectType
	deck  []card
}

type objectType struct {
	rtype     unsafe.Pointer
	pointer   unsafe.Pointer // the type of a pointer to it
	requested float64
	fill      int // bytes that are written to: an object without pointers is data
}

func newObjectType(o object) objectType {
	of := typeOf(o)
	t := objectType{
		rtype: pointerOf(of), pointer: pointerOf(reflect.PointerTo(of)), requested: o.Requested,
	}
	if o.Words == 0 {
		t.fill = o.Size
	}
	return t
}

const osPage = 4096

// allocate makes an object and touches its memory, as who fills it does.
func (t *objectType) allocate() unsafe.Pointer {
	p := unsafeNew(t.rtype)
	for i := 0; i < t.fill; i += osPage {
		*(*byte)(unsafe.Add(p, i)) = 1
	}
	return p
}

// card is an object to come: its type, and how many of its words lead to an object.
type card struct{ kind, links uint16 }

const deckCards = 1 << 15

func newMix(name string, objects []object) *mix {
	m := &mix{name: name, deck: make([]card, deckCards)}
	total := 0.0
	for _, o := range objects {
		m.types = append(m.types, newObjectType(o))
		total += o.Share
	}
	r := newRandom()
	sum, i := 0.0, 0
	for k, o := range objects {
		sum += o.Share
		for ; i < deckCards && float64(i)+0.5 < sum/total*deckCards; i++ {
			m.deck[i] = card{uint16(k), filledWords(o, &r)}
		}
	}
	for i := range m.deck {
		j := r.below(i + 1)
		m.deck[i], m.deck[j] = m.deck[j], m.deck[i]
	}
	return m
}

// handful is what is allocated in one go; what the twin does to its objects comes before and after.
type handful struct {
	count   int
	cards   [16]card
	objects [16]unsafe.Pointer
}

// draw replaces the handful by the next of a mix: of the bytes that are left, not many more than
// `most`. An object that is larger than the rest comes with the probability that the rest is of it.
func (h *handful) draw(m *mix, g *goroutine, left, most float64) (drawn float64) {
	*h = handful{}
	for h.count < len(h.cards) && drawn < min(left, most) {
		c := m.deck[g.at&(deckCards-1)]
		size := m.types[c.kind].requested
		g.at++
		if rest := left - drawn; rest < size && g.random.unit()*size > rest {
			return left
		}
		h.cards[h.count] = c
		h.count++
		drawn += size
	}
	return drawn
}

func (h *handful) allocate(m *mix) {
	for i := 0; i < h.count; i++ {
		h.objects[i] = m.types[h.cards[i].kind].allocate()
	}
}

// filledWords draws how many pointer words are filled: each with the same probability.
func filledWords(o object, r *random) uint16 {
	filled := 0
	for i := 0; i < o.Words; i++ {
		if r.unit() < o.Filled {
			filled++
		}
	}
	return uint16(filled)
}

// typeOf makes the type of an object: pointers first, then bytes. A part of no size would count.
func typeOf(o object) reflect.Type {
	pointers := reflect.ArrayOf(o.Words, reflect.TypeOf(unsafe.Pointer(nil)))
	rest := reflect.ArrayOf(o.Size-8*o.Words, reflect.TypeOf(byte(0)))
	switch {
	case pointers.Size() == 0:
		return rest
	case rest.Size() == 0:
		return pointers
	}
	return reflect.StructOf([]reflect.StructField{
		{Name: "Pointers", Type: pointers}, {Name: "Rest", Type: rest},
	})
}

// pointerOf is the runtime's pointer to a type: the second word of the interface.
func pointerOf(t reflect.Type) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] }

//go:linkname unsafeNew reflect.unsafe_New
func unsafeNew(rtype unsafe.Pointer) unsafe.Pointer

const immortals = 64

// immortal are objects to which garbage may point.
var immortal = func() (all [immortals]*[64]byte) {
	for i := range all {
		all[i] = new([64]byte)
	}
	return all
}()

// family are objects that are kept together. An object adopts those that were allocated a little before
// it and have no parent yet, the oldest first, but leaves some of them waiting: so marking finds
// many objects at a time, as in the trees of real programs. Words that find nobody to adopt are cross
// references: they lead to any of the last objects. Where each root and what it leads to dies by
// itself, they lead to the first child, or else to the object itself.
type family struct {
	orphans []unsafe.Pointer // from first on
	sizes   []float64        // of the orphans with all that they lead to
	first   int
	count   int
	most    int // orphans at a time since they were cleared
}

// add takes in an object that may adopt others as long as `waiting` orphans are left. Cross references
// are drawn with r, if there may be any.
func (f *family) add(p unsafe.Pointer, size float64, links, waiting int, r *random) {
	words := unsafe.Slice((*unsafe.Pointer)(p), links)
	adopted := max(min(links, len(f.orphans)-f.first-waiting), 0)
	for i := 0; i < adopted; i++ {
		words[i] = f.orphans[f.first]
		size += f.sizes[f.first]
		f.first++
	}
	for i := adopted; i < links; i++ {
		switch {
		case r != nil && len(f.orphans) > 0:
			words[i] = f.orphans[r.below(len(f.orphans))]
		case adopted > 0:
			words[i] = words[0]
		default:
			words[i] = p
		}
	}
	if f.first > enough && f.first > len(f.orphans)/2 {
		f.orphans = f.orphans[:copy(f.orphans, f.orphans[f.first:])]
		f.sizes = f.sizes[:copy(f.sizes, f.sizes[f.first:])]
		f.first = 0
	}
	f.orphans, f.sizes = append(f.orphans, p), append(f.sizes, size)
	f.most = max(f.most, len(f.orphans))
	f.count++
}

// enough adopted orphans to make room for others.
const enough = 256

// roots are the objects that lead to all others of the family.
func (f *family) roots() []unsafe.Pointer { return f.orphans[f.first:] }

// clear forgets all objects and keeps the room for others.
func (f *family) clear() {
	clear(f.orphans[:f.most])
	f.orphans, f.sizes = f.orphans[:0], f.sizes[:0]
	f.first, f.count, f.most = 0, 0, 0
}

// linkAnywhere lets an object that dies at once point to immortal ones.
func linkAnywhere(p unsafe.Pointer, links int) {
	words := unsafe.Slice((*unsafe.Pointer)(p), links)
	for i := range words {
		words[i] = unsafe.Pointer(immortal[i&(immortals-1)])
	}
}
