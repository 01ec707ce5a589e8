package lenient

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// value reads the value at hand into v. It is false only if that is no JSON.
func (d *Decoder) value(p *plan, v reflect.Value) bool {
	c := d.peek()
	switch p.op {
	case opReader, opForeign:
		return d.ownReader(p, v)
	case opRaw:
		raw, ok := d.raw()
		v.SetBytes(raw)
		return ok
	}
	if c == 'n' {
		return d.literal("null")
	}
	switch p.op {
	case opStruct:
		return c == '{' && d.object(p, v) || c != '{' && d.misfit(WrongShape)
	case opSlice:
		return c == '[' && d.list(p, v) || c != '[' && d.misfit(WrongShape)
	case opMap:
		return c == '{' && d.dictionary(p, v) || c != '{' && d.misfit(WrongShape)
	case opPointer:
		target := reflect.New(p.typ.Elem())
		if !d.value(p.element(), target.Elem()) {
			return false
		}
		v.Set(target)
		return true
	}
	switch c {
	case '"':
		text, ok := d.text()
		return ok && d.scalar(p, v, text, fromText)
	case 't':
		return d.literal("true") && d.scalar(p, v, "true", fromBool)
	case 'f':
		return d.literal("false") && d.scalar(p, v, "false", fromBool)
	case '{', '[':
		return d.misfit(WrongType)
	}
	text, ok := d.number()
	return ok && d.scalar(p, v, string(text), fromNumber)
}

// misfit passes over a value that has no place.
func (d *Decoder) misfit(why Reason) bool {
	d.Note(why)
	return d.skip(0)
}

func (d *Decoder) object(p *plan, v reflect.Value) bool {
	p.members()
	var some [2]uint64 // for 128 members without an allocation
	seen, next := some[:], 0
	if n := len(p.fields); n > 128 {
		seen = make([]uint64, n/64+1)
	}
	return d.members(func(name []byte) bool {
		i := p.find(name, next)
		if i < 0 {
			if p.otherCase(name) {
				d.push(plainName(string(name)))
				d.Note(OtherCase)
				d.pop()
			}
			return d.skip(0)
		}
		next = i + 1
		f := &p.fields[i]
		target := f.of(v)
		d.push(f.name)
		if bit := uint64(1) << (i % 64); seen[i/64]&bit != 0 {
			target.SetZero()
			d.forget()
			d.Note(Repeated)
		} else {
			seen[i/64] |= bit
		}
		ok := d.value(f.plan, target)
		d.pop()
		return ok
	})
}

func (d *Decoder) list(p *plan, v reflect.Value) bool {
	v.Set(reflect.MakeSlice(p.typ, 0, 0)) // an empty list is not a missing one
	d.path = append(d.path, segment{})
	ok := d.elements(func(i int) bool {
		d.path[len(d.path)-1].index = i
		if i == v.Cap() {
			v.Grow(max(i, 2))
		}
		v.SetLen(i + 1)
		return d.value(p.element(), v.Index(i))
	})
	d.pop()
	return ok
}

func (d *Decoder) dictionary(p *plan, v reflect.Value) bool {
	v.Set(reflect.MakeMap(p.typ))
	return d.members(func(name []byte) bool {
		key := reflect.New(p.typ.Key()).Elem()
		key.SetString(string(name))
		target := reflect.New(p.typ.Elem()).Elem()
		d.push(plainName(string(name)))
		if d.oddName {
			d.Note(Replaced)
		}
		if v.MapIndex(key).IsValid() {
			d.forget()
			d.Note(Repeated)
		}
		ok := d.value(p.element(), target)
		v.SetMapIndex(key, target)
		d.pop()
		return ok
	})
}

// ownReader passes the value to the type's own method.
func (d *Decoder) ownReader(p *plan, v reflect.Value) bool {
	start := d.pos
	if !d.skip(0) {
		return false
	}
	span := d.data[start:d.pos]
	if p.op == opReader {
		v.Addr().Interface().(Reader).ReadJSON(d, span)
		return true
	}
	err := foreign(storable(span), v.Addr().Interface())
	switch {
	case err == nil:
	case len(d.path) == 0:
		d.foreign = err
	default:
		d.Note(WrongType)
	}
	return true
}

// foreign reads a value of which this package knows nothing.
func foreign(span []byte, v any) error {
	if own, ok := v.(json.Unmarshaler); ok {
		return own.UnmarshalJSON(span)
	}
	return json.Unmarshal(span, v)
}

// source is the JSON type of a scalar.
type source int

const (
	fromText source = iota
	fromNumber
	fromBool
)

// scalar sets v to a scalar, if it can be one.
func (d *Decoder) scalar(p *plan, v reflect.Value, text string, from source) bool {
	switch p.op {
	case opText, opID, opWord, opName:
		if from == fromBool && p.op != opWord || from == fromNumber && p.op == opName {
			d.Note(WrongType)
			return true
		}
		v.SetString(text)
		if from == fromNumber && p.op == opText {
			d.Note(Converted)
		}
	case opFlag, opBool:
		d.boolean(p, v, text, from)
	case opTime:
		at, ok := parseTime(text)
		if !ok && text != "" || from == fromBool {
			d.Note(WrongType)
			return true
		}
		v.Set(reflect.ValueOf(at))
	case opInt, opFloat:
		d.numeric(p, v, text, from)
	}
	return true
}

func (d *Decoder) boolean(p *plan, v reflect.Value, text string, from source) {
	said := flagOf(text)
	switch {
	case said == Unsaid && text != "":
		d.Note(WrongType)
		return
	case from != fromBool && p.op == opBool:
		d.Note(Converted)
	}
	if p.op == opFlag {
		v.SetInt(int64(said))
	} else {
		v.SetBool(said == Yes)
	}
}

func (d *Decoder) numeric(p *plan, v reflect.Value, text string, from source) {
	var err error
	if p.op == opInt {
		var n int64
		if whole, ok := wholeNumber(text); ok && !v.OverflowInt(whole) {
			n = whole
		} else {
			n, err = strconv.ParseInt(text, 10, p.typ.Bits())
		}
		if err == nil {
			v.SetInt(n)
		}
	} else {
		var n float64
		if n, err = strconv.ParseFloat(text, p.typ.Bits()); err == nil && !validNumber(text) {
			err = strconv.ErrSyntax // such as "Inf" and "0x1p-2"
		} else if err == nil {
			v.SetFloat(n)
		}
	}
	switch {
	case err != nil || from == fromBool:
		d.Note(WrongType)
	case from == fromText:
		d.Note(Converted)
	}
}

// validNumber reports whether text is a number as JSON writes it.
func validNumber(text string) bool {
	d := Decoder{data: []byte(text)}
	_, ok := d.number()
	return ok && d.pos == len(text)
}

func (d *Decoder) push(name string) { d.path = append(d.path, segment{name: name}) }

func (d *Decoder) pop() { d.path = d.path[:len(d.path)-1] }
