package main

// spec is the program under load, as the simulator resolved it.
type spec struct {
	DurationNs int64                `json:"duration_ns"`
	Mixes      map[string][]object  `json:"mixes"`
	Stores     map[string]storeSpec `json:"stores"`
	Pools      map[string]object    `json:"pools"`
	Goroutines map[string]kindSpec  `json:"goroutines"`
	Main       []stepSpec           `json:"main"`
	Load       []loadSpec           `json:"load"`
}

// object is one kind of object: so many pointer words at the front, a part of them filled.
type object struct {
	Share     float64 `json:"share"`
	Size      int     `json:"size"`
	Requested float64 `json:"requested"`
	Words     int     `json:"words"`
	Filled    float64 `json:"filled"`
}

type storeSpec struct {
	Size        float64 `json:"size"`
	Of          string  `json:"of"`
	Replacement string  `json:"replacement"`
	Structure   string  `json:"structure"`
	Filled      bool    `json:"filled"`
}

type kindSpec struct {
	Stack     int        `json:"stack"`
	IdleStack int        `json:"idle_stack"`
	Steps     []stepSpec `json:"steps"`
}

type stepSpec struct {
	Do            string     `json:"do"`
	CPU           valuesSpec `json:"cpu"`
	Allocate      valuesSpec `json:"allocate"`
	Of            string     `json:"of"`
	Lives         string     `json:"lives"`
	LivesNs       float64    `json:"lives_ns"`
	Into          string     `json:"into"`
	PointerWrites float64    `json:"pointer_writes"`
	Finalizer     *float64   `json:"finalizer_ns"`
	Time          valuesSpec `json:"time"`
	Via           string     `json:"via"`
	Store         string     `json:"store"`
	Pool          string     `json:"pool"`
	Goroutine     string     `json:"goroutine"`
	Count         int        `json:"count"`
	Wait          bool       `json:"wait"`
	Times         int        `json:"times"`
	Value         int64      `json:"value"`
	Size          int        `json:"size"`
	Words         int        `json:"words"`
	KeyWords      int        `json:"key_words"`
	Steps         []stepSpec `json:"steps"`
}

type loadSpec struct {
	Do        string     `json:"do"`
	Goroutine string     `json:"goroutine"`
	At        []int64    `json:"at"`
	Via       string     `json:"via"`
	Workers   int        `json:"workers"`
	Think     valuesSpec `json:"think"`
	Count     int        `json:"count"`
	Parallel  int        `json:"parallel"`
}

// valuesSpec is a distribution: equally likely values, one for a constant.
type valuesSpec []float64

// values are drawn from.
type values []float64

func (v valuesSpec) compile() values {
	if len(v) == 0 {
		return values{0}
	}
	return values(v)
}

func (v values) draw(r *random) float64 {
	if len(v) == 1 {
		return v[0]
	}
	return v[r.below(len(v))]
}
