package stackonetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// listing is what one list or single read takes.
type listing struct {
	filters []string
	// optional are the fields that come only with include.
	optional []string
	expand   []string
}

// cursor is a position in a list. Its text has characters that a query must
// escape, because StackOne's cursors are opaque:
// snippets/common-guides/pagination.mdx in github.com/StackOneHQ/hub-docs
type cursor struct{ skip, emptyPages, size int }

const cursorTail = "+/?&=="

func (c cursor) String() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%d", c.skip, c.emptyPages, c.size)) + cursorTail
}

func parseCursor(check *simkit.Checker, text string) cursor {
	var c cursor
	encoded, whole := strings.CutSuffix(text, cursorTail)
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil {
		_, err = fmt.Sscanf(string(plain), "%d.%d.%d", &c.skip, &c.emptyPages, &c.size)
	}
	if !whole || err != nil || c.skip < 0 || c.emptyPages < 0 || c.String() != text {
		check.Fail("next", "is not a cursor of this list")
	}
	return c
}

// list answers a page of records.
func (s *Server) list(c *simkit.Call, l listing, records []map[string]any) (simkit.Reply, *Failure) {
	check := &simkit.Checker{}
	at, size := cursor{}, positive(check, c, "page_size", DefaultPageSize)
	if text := c.Query.Get("next"); text != "" {
		at = parseCursor(check, text)
		if at.size != size {
			c.Note("page_size differs from that of the page before")
		}
	}
	at.size = size
	filter := readFilter(check, c, l.filters)
	raw := common(check, c, l)
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	records = slices.DeleteFunc(slices.Clone(records), func(r map[string]any) bool { return !filter.matches(r) })
	data, next := at.page(records, s.cfg.Quirks.EmptyPages)
	answer := map[string]any{"data": trimAll(c, l, data)}
	s.endOrNext(answer, next)
	return simkit.JSONReply(http.StatusOK, withRaw(answer, c, raw)), nil
}

// page cuts one page out of the records, after the empty ones.
func (c cursor) page(records []map[string]any, emptyPages int) (data []map[string]any, next string) {
	if c.emptyPages < emptyPages {
		c.emptyPages++
		return nil, c.String()
	}
	first := min(c.skip, len(records))
	last := min(first+c.size, len(records))
	if last < len(records) {
		c.skip = last
		return records[first:last], c.String()
	}
	return records[first:last], ""
}

// endOrNext writes next and its deprecated twin.
func (s *Server) endOrNext(answer map[string]any, next string) {
	switch {
	case next != "":
		answer["next"], answer["next_page"] = next, next
	case s.cfg.Quirks.ListEnd == EndNull:
		answer["next"], answer["next_page"] = nil, nil
	case s.cfg.Quirks.ListEnd == EndBlank:
		answer["next"] = ""
	}
}

// single answers one record.
func (s *Server) single(c *simkit.Call, l listing, record map[string]any) (simkit.Reply, *Failure) {
	check := &simkit.Checker{}
	raw := common(check, c, l)
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	return simkit.JSONReply(http.StatusOK, withRaw(map[string]any{"data": trim(c, l, record)}, c, raw)), nil
}

// common checks the query parameters that all reads share, and notes the others.
func common(check *simkit.Checker, call *simkit.Call, l listing) (raw bool) {
	if call.Query.Has("raw") {
		value, err := strconv.ParseBool(call.Query.Get("raw"))
		if err != nil {
			check.Fail("raw", "must be a boolean")
		}
		raw = value
	}
	for name := range call.Query {
		base, _, bracketed := strings.Cut(name, "[")
		objects := base == "proxy" || base == "filter"
		switch {
		case objects && bracketed, slices.Contains([]string{"raw", "fields", "page_size", "next"}, name):
		case slices.Contains(bareFilters, name) && slices.Contains(l.filters, name):
		case name == "include" && l.optional != nil, name == "expand" && l.expand != nil:
		default:
			call.Note("unknown query parameter " + name)
		}
	}
	return raw
}

type filterSet map[string]string

// bareFilters are query parameters that filter without brackets. They are deprecated,
// and official SDKs still send updated_after so for packages, whose filter StackOne's
// OpenAPI description does not declare as an object.
var bareFilters = []string{"updated_after", "job_id"}

// readFilter reads filter[…]: snippets/common-guides/using-the-passthrough-query-parameters.mdx
// in github.com/StackOneHQ/hub-docs
func readFilter(check *simkit.Checker, call *simkit.Call, names []string) filterSet {
	set := filterSet{}
	for _, key := range sortedKeys(call.Query) {
		name, bracketed := strings.CutPrefix(key, "filter[")
		name, closed := strings.CutSuffix(name, "]")
		bare := slices.Contains(bareFilters, key)
		if !bare && (!bracketed || !closed) {
			continue
		}
		if !slices.Contains(names, name) {
			call.Note("unknown filter " + name)
			continue
		}
		if bare {
			call.Note(name + " is deprecated: filter[" + name + "]")
		}
		set[name] = call.Query.Get(key)
		if strings.HasSuffix(name, "_after") && parsedTime(set[name]).IsZero() {
			check.Fail(key, "must be a valid ISO 8601 date-time")
		}
	}
	return set
}

func (f filterSet) matches(record map[string]any) bool {
	for name, want := range f {
		if !filterMatches(record, name, want) {
			return false
		}
	}
	return true
}

func filterMatches(record map[string]any, name, want string) bool {
	switch name {
	case "updated_after", "created_after":
		field := strings.TrimSuffix(name, "_after") + "_at"
		text, dated := record[field].(string)
		// Packages have no date: a filter by date cannot exclude them.
		return !dated || parsedTime(text).After(parsedTime(want))
	case "job_status":
		status, _ := record["job_status"].(map[string]any)
		return status["value"] == want
	case "stage":
		stage, _ := record["application_stage"].(map[string]any)
		return stage["name"] == want || stage["id"] == want
	}
	remote, known := record["remote_"+name]
	return record[name] == want || known && remote == want
}

func parsedTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func trimAll(c *simkit.Call, l listing, records []map[string]any) []map[string]any {
	list := []map[string]any{}
	for _, record := range records {
		list = append(list, trim(c, l, record))
	}
	return list
}

// trim keeps the fields that were asked for.
func trim(c *simkit.Call, l listing, record map[string]any) map[string]any {
	record = simkit.Cloned(record)
	included, fields := commaList(c.Query.Get("include")), commaList(c.Query.Get("fields"))
	for name := range record {
		left := slices.Contains(l.optional, name) && !slices.Contains(included, name)
		if left || len(fields) > 0 && !slices.Contains(fields, name) {
			delete(record, name)
		}
	}
	return record
}

func commaList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// withRaw adds the example of StackOne's reference under raw=true.
func withRaw(answer map[string]any, c *simkit.Call, raw bool) map[string]any {
	if !raw {
		return answer
	}
	address := "https://api.provider.com/v1/resource"
	if extra := proxyQuery(c); extra != "" {
		address += "?" + extra
	}
	answer["raw"] = []map[string]any{{"method": "GET", "url": address, "body": nil, "response": json.RawMessage(`{"id":"1"}`)}}
	return answer
}

// proxyQuery is what proxy[…] adds to the call of the ATS.
func proxyQuery(c *simkit.Call) string {
	var extra []string
	for _, key := range sortedKeys(c.Query) {
		if name, ok := strings.CutPrefix(key, "proxy["); ok {
			extra = append(extra, strings.TrimSuffix(name, "]")+"="+c.Query.Get(key))
		}
	}
	return strings.Join(extra, "&")
}
