package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// checkFlags are those of the command check.
type checkFlags struct {
	order     checkOrder
	skip      texts
	level     string
	known     string
	baseline  string
	reportDir string
	form      *string
	dryRun    bool
	explain   string
	verbose   bool
	summary   string // of a job in GitHub Actions: a file to append to
}

const formTAP = "tap"

func (c *command) check(f *flag.FlagSet) func([]string) error {
	t := c.targetFlags(f)
	o := checkFlags{level: "all", summary: c.env("GITHUB_STEP_SUMMARY")}
	o.form = format(f, "text", formJSON, formTAP)
	f.StringVar(&o.order.Vendor, "vendor", "", "only the checks of `VENDOR`")
	f.Var(choice{[]string{"all", string(check.Core), string(check.Strict)}, &o.level}, "level", "`LEVEL` up to which checks run: core, strict, all")
	f.StringVar(&o.order.Set, "set", "", "`RELEASE` whose checks run, such as "+strings.Join(check.Sets(), ", ")+"; else the newest")
	f.Var(&o.skip, "skip", "`ID` or area to leave out; may be repeated")
	f.StringVar(&o.known, "known", "", "`FILE` of YAML with failures that you know of, a reason for each id")
	f.StringVar(&o.baseline, "baseline", "", "`FILE`, an earlier report.json, to compare with")
	f.StringVar(&o.reportDir, "report", "", "`FOLDER` for report.json, junit.xml and report.html")
	f.DurationVar(&o.order.AnswerTimeout, "timeout", 0, "how `LONG` a vendor waits for an answer (10s)")
	f.BoolVar(&o.order.Bail, "bail", false, "begin no other check after one that fails")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the checks that would run")
	f.StringVar(&o.explain, "explain", "", "print what the check `ID` is about")
	f.BoolVar(&o.verbose, "v", false, "show each exchange")
	return func(ids []string) error {
		o.order.IDs, o.order.Seed = ids, t.seed
		if o.explain != "" {
			return c.explain(o.explain)
		}
		if err := o.complete(); err != nil {
			return err
		}
		if o.dryRun {
			return c.dryRun(o)
		}
		return c.runChecks(t, o)
	}
}

// complete checks what the flags name.
func (o *checkFlags) complete() error {
	if o.level != "all" {
		o.order.Level = check.Level(o.level)
	}
	if o.order.Vendor != "" && !slices.Contains(Vendors, o.order.Vendor) {
		return unknown("vendor", o.order.Vendor, Vendors)
	}
	if o.order.Set != "" && !slices.Contains(check.Sets(), o.order.Set) {
		return unknown("set", o.order.Set, check.Sets())
	}
	if o.order.AnswerTimeout < 0 {
		return usagef("--timeout is a time that passes")
	}
	if _, err := checksNamed(o.order.IDs); err != nil {
		return err
	}
	o.order.Skip = map[string]string{}
	for _, name := range o.skip {
		checks, err := checksNamed([]string{name})
		if err != nil {
			return err
		}
		for _, one := range checks {
			o.order.Skip[one.ID] = "left out with --skip " + name
		}
	}
	return nil
}

// checksNamed are the checks of ids or areas; nothing named is all of them.
func checksNamed(names []string) ([]check.Check, error) {
	checks, strangers := check.Select(names...)
	if len(strangers) == 0 {
		return checks, nil
	}
	known := []string{}
	for _, one := range check.Catalogue() {
		known = append(known, one.ID)
		if area := one.Vendor() + "." + one.Area(); !slices.Contains(known, area) {
			known = append(known, area)
		}
	}
	return nil, unknownID(strangers[0], known)
}

// unknownID is the error for the id of no check; the list of all is too long for it.
func unknownID(id string, known []string) error {
	err := unknown("check", id, known)
	if strings.Contains(err.Error(), "did you mean") {
		return err
	}
	return usagef("there is no check %q: list checks has them all", id)
}

func (c *command) explain(id string) error {
	one, found := check.Explain(id)
	if !found {
		_, err := checksNamed([]string{id})
		if err == nil {
			return usagef("%s is an area: name one of its checks", id)
		}
		return err
	}
	return c.write(explained(one))
}

// explained is a check for people.
func explained(one check.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, since %s)\n%s\n\n%s\n\nSteps:\n", one.ID, one.Level, one.Since, one.Title, one.Why)
	for i, step := range one.Steps {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, step)
	}
	fmt.Fprintf(&b, "\nPasses: %s\n\nOtherwise:\n", one.Passes)
	for _, failure := range one.Failures {
		fmt.Fprintf(&b, "  %s: %s\n", failure.Key, failure.Sentence())
	}
	fmt.Fprintf(&b, "\nWith this SDK: %s\nWithout: %s\n", one.WithSDK, one.Without)
	for _, quirk := range one.Quirks {
		fmt.Fprintf(&b, "Assumed: %s\n", quirk)
	}
	if one.Capability != "" {
		fmt.Fprintf(&b, "A service may do without: check: {without: [%s]}\n", one.Capability)
	}
	for _, source := range one.Contract {
		fmt.Fprintf(&b, "%s: %s\n", source.Name, source.URL)
	}
	return b.String()
}

func (c *command) dryRun(o checkFlags) error {
	kit, err := check.New(check.Config{})
	if err != nil {
		return err
	}
	defer kit.Close()
	checks, err := kit.Checks(check.Target{}, check.Options{IDs: o.order.IDs, Vendor: o.order.Vendor, Level: o.order.Level, Set: o.order.Set, Skip: o.order.Skip})
	if err != nil {
		return failure{ExitUsage, err}
	}
	var all []listed
	for _, one := range checks {
		if o.order.Skip[one.ID] == "" {
			all = append(all, listed{Name: one.ID, Text: one.Title + " (" + string(one.Level) + ")"})
		}
	}
	switch {
	case *o.form == formJSON:
		err = c.writeJSON(all)
	default:
		err = c.write(tableOf(all))
	}
	if err == nil && len(all) == 0 {
		return nothingf("no check would run")
	}
	return err
}

func (c *command) runChecks(t *targeting, o checkFlags) error {
	earlier, err := readBaseline(o.baseline)
	if err != nil {
		return err
	}
	s, r, err := c.session(t)
	if err != nil {
		return err
	}
	defer s.close()
	if err := o.order.with(r.check, o.known); err != nil {
		return err
	}
	done, err := c.followChecks(s, o)
	switch {
	case err != nil:
		return err
	case done.Nothing != "":
		return nothingf("nothing could be judged: %s. Start your service, or name it: --provider URL or $%s. From inside a container, this machine is %s",
			done.Nothing, providerVariable, dockerHost)
	case done.Report == nil:
		return errors.New(orDefault(done.Error, "the sandbox ended before the checks did"))
	}
	if err := c.reportChecks(s, o, done, earlier); err != nil {
		return err
	}
	return verdictError(done.Report)
}

// with adds what sandbox.yaml says.
func (o *checkOrder) with(c checkConfig, known string) error {
	o.Without, o.Hooks, o.Settle, o.Patience = c.Without, c.Hooks, c.Settle, c.Patience
	var err error
	o.Known, err = readKnown(orDefault(known, c.Known))
	return err
}

// readKnown reads the failures that are known: a mapping of ids to reasons.
func readKnown(name string) (map[string]string, error) {
	known := map[string]string{}
	if name == "" {
		return known, nil
	}
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, failure{ExitUsage, err}
	}
	err = yamlfile.Read(file, name, func(top yamlfile.Value) {
		for _, e := range top.Entries("the known failures") {
			if _, found := check.Explain(e.Name); !found {
				e.Value.Problemf("there is no check %q", e.Name)
			}
			if known[e.Name] = strings.TrimSpace(e.Value.Text("the reason of " + e.Name)); known[e.Name] == "" {
				e.Value.Problemf("%s needs a reason", e.Name)
			}
		}
	})
	if err != nil {
		return nil, failure{ExitUsage, err}
	}
	return known, nil
}

func readBaseline(name string) (*check.Report, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, failure{ExitUsage, err}
	}
	report, err := check.ReadReport(data)
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	return report, nil
}

// followChecks has the sandbox run the checks, and says of each that ends.
func (c *command) followChecks(s *session, o checkFlags) (checkNews, error) {
	body, err := json.Marshal(o.order)
	if err != nil {
		return checkNews{}, err
	}
	response, err := s.send(c.ctx, http.MethodPost, "/api/check", body)
	if err != nil {
		return checkNews{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return checkNews{}, err
		}
		return checkNews{}, refusal(response, data)
	}
	lines := json.NewDecoder(response.Body)
	for {
		var news checkNews
		if err := lines.Decode(&news); err != nil {
			return checkNews{}, fmt.Errorf("the sandbox ended before the checks did: %w", err)
		}
		if news.Result == nil {
			return news, nil
		}
		_, _ = fmt.Fprintf(c.stderr, "%-10s %s\n", news.Result.State, news.Result.ID)
	}
}

// reportChecks writes what became of the checks wherever it is wanted.
func (c *command) reportChecks(s *session, o checkFlags, done checkNews, earlier *check.Report) error {
	report := done.Report
	link := ""
	if o.reportDir != "" {
		if err := report.Write(o.reportDir); err != nil {
			return err
		}
		link = filepath.Join(o.reportDir, check.HTMLFile)
	}
	line := report.Line()
	if earlier != nil {
		line += "\ncompared with " + o.baseline + ": " + report.Compare(earlier).String()
	}
	if err := appendSummary(o.summary, report, line); err != nil {
		return err
	}
	var text string
	switch *o.form {
	case formJSON:
		data, err := report.JSON()
		if err != nil {
			return err
		}
		text = string(data)
	case formTAP:
		text = report.TAP()
	default:
		text = c.findings(s, done, o.verbose)
		text += strings.Join(notEmpty(line, link, s.link(reportLink(done.Run, ""))), "\n") + "\n"
		return c.write(text)
	}
	_, _ = fmt.Fprintln(c.stderr, strings.Join(notEmpty(line, link, s.link(reportLink(done.Run, ""))), "\n"))
	return c.write(text)
}

func notEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

// findings are the checks that did not pass, for people: the failures first.
func (c *command) findings(s *session, done checkNews, verbose bool) string {
	var b strings.Builder
	for _, one := range done.Report.In(check.KitError, check.Failed) {
		fmt.Fprintf(&b, "%s: %s\n", one.ID, excerpt(one.Title, false))
		if one.Level == check.Advice {
			fmt.Fprintf(&b, "  advice: it does not make the run fail\n")
		}
		if one.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", excerpt(one.Reason, false))
		}
		said := ""
		for _, m := range one.Mismatches {
			if m.Consequence != said {
				said = m.Consequence
				fmt.Fprintf(&b, "  %s\n", said)
			}
			fmt.Fprintf(&b, "    %s\n", excerpt(m.String(), false))
		}
		fmt.Fprintf(&b, "  again: %s\n", done.Report.Repeat(one.ID))
		if link := s.link(reportLink(done.Run, one.ID)); link != "" {
			fmt.Fprintf(&b, "  %s\n", link)
		}
	}
	writeReasons(&b, done.Report)
	if verbose {
		for _, one := range done.Report.Results {
			writeExchanges(&b, one)
		}
	}
	return b.String()
}

// writeReasons groups what was not judged, skipped or known by its reason: skipped never
// hides.
func writeReasons(b *strings.Builder, report *check.Report) {
	for _, state := range []check.State{check.Known, check.NotJudged, check.Skipped} {
		ids := map[string][]string{}
		var reasons []string
		for _, one := range report.In(state) {
			if ids[one.Reason] == nil {
				reasons = append(reasons, one.Reason)
			}
			ids[one.Reason] = append(ids[one.Reason], one.ID)
		}
		for _, reason := range reasons {
			fmt.Fprintf(b, "%s: %s\n  %s\n", state, excerpt(reason, false), strings.Join(ids[reason], ", "))
		}
	}
}

func writeExchanges(b *strings.Builder, one check.Result) {
	for _, e := range one.Exchanges {
		fmt.Fprintf(b, "%s %d %s: %s %s -> %d %s\n", one.ID, e.Number, e.Direction, e.Method, e.URL, e.Status,
			excerpt(strings.TrimSpace(e.Fault+" "+e.ResponseBody), false))
	}
}

// verdictError is the exit status of a run.
func verdictError(report *check.Report) error {
	switch report.Verdict {
	case check.VerdictPassed:
		return nil
	case check.VerdictFailed:
		return outcomef("the checks failed")
	case check.VerdictNothing:
		return nothingf("nothing could be judged: no check ran to its end")
	}
	return errors.New("a check is at fault itself")
}

// appendSummary appends a table to the summary of a job in GitHub Actions.
func appendSummary(name string, report *check.Report, line string) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Clean(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // of the job, without secrets
	if err != nil {
		return err
	}
	_, err = io.Copy(file, bytes.NewReader(summary(report, line)))
	return errors.Join(err, file.Close())
}

// summaryStates are the columns of the table.
var summaryStates = []check.State{check.Passed, check.Failed, check.Known, check.NotJudged, check.Skipped, check.KitError}

func summary(report *check.Report, line string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### Conformance: %s\n\n%s\n\n| vendor | level |", report.Verdict, inMarkdown(line))
	for _, state := range summaryStates {
		fmt.Fprintf(&b, " %s |", state)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("--:|", len(summaryStates)) + "\n")
	for _, tally := range report.Tallies() {
		fmt.Fprintf(&b, "| %s | %s |", tally.Vendor, tally.Level)
		for _, state := range summaryStates {
			fmt.Fprintf(&b, " %d |", tally.Of(state))
		}
		b.WriteByte('\n')
	}
	if failed := report.In(check.Failed, check.KitError); len(failed) > 0 {
		b.WriteString("\n| check | what follows |\n|---|---|\n")
		for _, one := range failed {
			fmt.Fprintf(&b, "| %s | %s |\n", one.ID, inMarkdown(consequenceOf(one)))
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func consequenceOf(one check.Result) string {
	if len(one.Mismatches) > 0 {
		return one.Mismatches[0].Consequence
	}
	return one.Reason
}

// inMarkdown is a text that is neither markup nor the end of a cell.
func inMarkdown(text string) string {
	return strings.NewReplacer("\n", "<br>", "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "'", "[", `\[`, "*", `\*`).Replace(text)
}
