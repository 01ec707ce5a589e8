package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// row is what one order met, what the vendor's side holds in the end, and what of
// it is not as it should be.
type row struct {
	vendor, order, met, holds string
	wrong                     []string
}

// want notes what is not as it should be.
func (r *row) want(ok bool, what string) {
	if !ok {
		r.wrong = append(r.wrong, "want "+what)
	}
}

// errWrong is the exit status of a simulation in which something went wrong.
var errWrong = errors.New("not everything is as it should be")

// report prints rows as they come, the verdict first, and a sum at the end.
type report struct {
	w        io.Writer
	colours  bool
	all, bad int
	err      error // of the writer
}

// The report fits into a terminal of this width.
const width = 80

const indent = "       "

func (p *report) print(r row) {
	p.all++
	verdict, colour := "ok", green
	if len(r.wrong) > 0 {
		p.bad++
		verdict, colour = "WRONG", red
	}
	p.line(p.paint(colour, fmt.Sprintf("%-5s", verdict)) + fmt.Sprintf("  %-8s  %s", r.vendor, r.order))
	p.wrapped("", r.met)
	p.wrapped("vendor holds: ", r.holds)
	for _, w := range r.wrong {
		p.wrapped("! ", w)
	}
}

// sum prints how many rows are as they should be. The error is errWrong if not all
// are.
func (p *report) sum() error {
	colour := green
	if p.bad > 0 {
		colour = red
	}
	p.line(p.paint(colour, fmt.Sprintf("%d of %d as they should be", p.all-p.bad, p.all)))
	if p.bad > 0 || p.all == 0 {
		return errors.Join(errWrong, p.err)
	}
	return p.err
}

// wrapped prints a text below its row, broken between words.
func (p *report) wrapped(label, text string) {
	if text == "" {
		return
	}
	line := indent + label
	room := width - utf8.RuneCountInString(line)
	for word := range strings.FieldsSeq(text) {
		if n := utf8.RuneCountInString(word) + 1; n > room {
			p.line(strings.TrimRight(line, " "))
			line = indent + "  "
			room = width - utf8.RuneCountInString(line)
		}
		line += word + " "
		room -= utf8.RuneCountInString(word) + 1
	}
	p.line(strings.TrimRight(line, " "))
}

func (p *report) line(text string) {
	_, err := fmt.Fprintln(p.w, text)
	p.err = errors.Join(p.err, err)
}

const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

func (p *report) paint(colour, text string) string {
	if !p.colours {
		return text
	}
	return colour + text + plain
}

// coloured reports whether w shows colours: a terminal does, unless its user
// does not want them (https://no-color.org).
func coloured(w io.Writer, env func(string) string) bool {
	if env("NO_COLOR") != "" || env("TERM") == "dumb" {
		return false
	}
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}
