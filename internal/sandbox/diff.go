package sandbox

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// DiffLine is a line of a difference: the sign is "+", "-" or " ".
type DiffLine struct{ Sign, Text string }

// maxDiff bounds the lines that are compared.
const maxDiff = 400

// compare shows the difference of the answer to that of another row.
func (v *rowView) compare(a *App, n string) {
	number, err := strconv.Atoi(n)
	if err != nil {
		return
	}
	old, found := a.journal.row(number)
	if !found {
		return
	}
	v.Old = &old
	v.Diff = diff(answerLines(old), answerLines(v.Row))
	if !bytes.Equal(old.RequestBody, v.RequestBody) {
		v.RequestDiff = diff(bodyLines(old.RequestBody), bodyLines(v.RequestBody))
	}
}

func answerLines(r Row) []string {
	first := fmt.Sprintf("HTTP %d", r.Status)
	if r.Status == 0 {
		first = "no answer: " + orDefault(r.Err, "nothing was sent")
	}
	return append([]string{first}, bodyLines(r.ResponseBody)...)
}

func bodyLines(body []byte) []string {
	lines := strings.Split(strings.TrimRight(pretty(body), "\n"), "\n")
	return lines[:min(len(lines), maxDiff)]
}

// diff is the shortest difference between two lists of lines.
func diff(old, now []string) []DiffLine {
	longest := make([][]int, len(old)+1) // common lines of the tails
	for i := range longest {
		longest[i] = make([]int, len(now)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			if old[i] == now[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var lines []DiffLine
	i, j := 0, 0
	for i < len(old) || j < len(now) {
		switch {
		case i < len(old) && j < len(now) && old[i] == now[j]:
			lines = append(lines, DiffLine{" ", old[i]})
			i, j = i+1, j+1
		case j == len(now) || i < len(old) && longest[i+1][j] >= longest[i][j+1]:
			lines = append(lines, DiffLine{"-", old[i]})
			i++
		default:
			lines = append(lines, DiffLine{"+", now[j]})
			j++
		}
	}
	return lines
}
