package lenient

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// op is the way in which a value of a type is read.
type op int

const (
	opText op = iota // string: text, or a number that is reported
	opID             // Text
	opWord           // Scalar
	opName           // Name
	opBool
	opFlag
	opInt
	opFloat
	opTime
	opRaw
	opStruct
	opSlice
	opMap
	opPointer
	opReader
	opForeign // json.Unmarshaler, interfaces, arrays: encoding/json reads it
)

// plan is how a type is read. It is made once for each type.
type plan struct {
	op  op
	typ reflect.Type

	once   sync.Once // a type may hold itself
	elem   *plan     // of a slice, map or pointer
	fields []field   // of a struct
	byName map[string]int
}

// field is a member of a struct.
type field struct {
	name  string
	index []int // more than one if it belongs to an embedded struct
	plan  *plan
}

var plans sync.Map // reflect.Type to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	kept, _ := plans.LoadOrStore(t, &plan{op: opOf(t), typ: t})
	return kept.(*plan)
}

// element is the plan of what a slice, map or pointer holds.
func (p *plan) element() *plan {
	p.once.Do(func() { p.elem = planOf(p.typ.Elem()) })
	return p.elem
}

var opOfType = map[reflect.Type]op{
	reflect.TypeFor[Text]():            opID,
	reflect.TypeFor[Scalar]():          opWord,
	reflect.TypeFor[Name]():            opName,
	reflect.TypeFor[Flag]():            opFlag,
	reflect.TypeFor[time.Time]():       opTime,
	reflect.TypeFor[json.RawMessage](): opRaw,
}

var (
	readerType      = reflect.TypeFor[Reader]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

func opOf(t reflect.Type) op {
	if o, ok := opOfType[t]; ok {
		return o
	}
	pointer := reflect.PointerTo(t)
	switch {
	case pointer.Implements(readerType):
		return opReader
	case pointer.Implements(unmarshalerType):
		return opForeign
	}
	switch t.Kind() {
	case reflect.String:
		return opText
	case reflect.Bool:
		return opBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return opInt
	case reflect.Float32, reflect.Float64:
		return opFloat
	case reflect.Struct:
		return opStruct
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return opSlice
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return opMap
		}
	case reflect.Pointer:
		return opPointer
	}
	return opForeign
}

// members lists the fields of a struct.
func (p *plan) members() []field {
	p.once.Do(func() {
		p.byName = make(map[string]int)
		p.collect(p.typ, nil)
	})
	return p.fields
}

// collect adds the fields of t, and then those of the structs that it embeds: a
// name belongs to the outermost field that has it.
func (p *plan) collect(t reflect.Type, index []int) {
	var embedded [][]int
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct && opOf(f.Type) == opStruct:
			embedded = append(embedded, at)
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		if _, taken := p.byName[name]; !taken {
			p.byName[name] = len(p.fields)
			p.fields = append(p.fields, field{name: name, index: at, plan: planOf(f.Type)})
		}
	}
	for _, at := range embedded {
		p.collect(t.Field(at[len(at)-1]).Type, at)
	}
}

// find returns the index of the member with exactly this name, or -1. Members
// mostly come in the order of the documentation, so next is tried first.
func (p *plan) find(name []byte, next int) int {
	if next < len(p.fields) && p.fields[next].name == string(name) {
		return next
	}
	if i, ok := p.byName[string(name)]; ok {
		return i
	}
	return -1
}

// otherCase reports whether name is the name of a member but for its case.
func (p *plan) otherCase(name []byte) bool {
	for i := range p.fields {
		if len(p.fields[i].name) == len(name) && strings.EqualFold(p.fields[i].name, string(name)) {
			return true
		}
	}
	return false
}

// of returns the field in v.
func (f *field) of(v reflect.Value) reflect.Value {
	for _, i := range f.index {
		v = v.Field(i)
	}
	return v
}
