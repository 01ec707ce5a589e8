package check

import (
	"encoding/xml"
	"fmt"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitMessage `xml:"failure"`
	Error     *junitMessage `xml:"error"`
	Skipped   *junitMessage `xml:"skipped"`
	Out       string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit is the report in the form that most CI systems read: a suite for each vendor.
// What is not judged, known or skipped is skipped there, with the reason; so is advice.
func (r *Report) JUnit() ([]byte, error) {
	all := junitSuites{Name: "assessbridge conformance", Time: seconds(r.Duration.Seconds())}
	for _, one := range r.Results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != one.Vendor() {
			all.Suites = append(all.Suites, junitSuite{Name: one.Vendor()})
		}
		suite := &all.Suites[len(all.Suites)-1]
		c := one.junit()
		suite.Cases = append(suite.Cases, c)
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	for _, s := range all.Suites {
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

func (r Result) junit() junitCase {
	c := junitCase{Name: r.ID, ClassName: r.Vendor() + "." + r.Area(), Time: seconds(r.Duration.Seconds())}
	switch {
	case r.Breaks():
		c.Failure = &junitMessage{r.consequence(), r.differences()}
	case r.State == Failed:
		c.Skipped, c.Out = &junitMessage{Message: "advice: " + r.consequence()}, r.differences()
	case r.State == KitError:
		c.Error = &junitMessage{"fault of the kit", r.Reason}
	case r.State != Passed:
		c.Skipped = &junitMessage{Message: string(r.State) + ": " + r.Reason}
	}
	return c
}

// consequence is the first sentence of what is wrong.
func (r Result) consequence() string {
	if len(r.Mismatches) > 0 {
		return r.Mismatches[0].Consequence
	}
	return r.Reason
}

// differences are all mismatches in words.
func (r Result) differences() string {
	var b strings.Builder
	for _, m := range r.Mismatches {
		fmt.Fprintf(&b, "%s\n  %s\n", m.Consequence, m)
	}
	return b.String()
}

// String is a mismatch in one line.
func (m Mismatch) String() string {
	what := m.What
	if m.Path != "" {
		what += ", " + m.Path
	}
	return fmt.Sprintf("%s: expected %s, got %s", what, m.Expected, m.Got)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
