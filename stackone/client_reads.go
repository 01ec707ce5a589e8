package stackone

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Include names fields that StackOne leaves out of a record unless asked for them.
type Include string

// The values of include in StackOne's reference. Custom fields come with
// candidates, applications and jobs, attachments with applications, and
// questionnaires with job postings.
const (
	IncludeCustomFields   Include = "custom_fields"
	IncludeAttachments    Include = "attachments"
	IncludeQuestionnaires Include = "questionnaires"
)

// Expand names what StackOne answers whole in place of a reference.
type Expand string

// The values of expand in StackOne's reference: documents of an application, the
// others of a job.
const (
	ExpandDocuments       Expand = "documents"
	ExpandJobPostings     Expand = "job_postings"
	ExpandInterviewStages Expand = "interview_stages"
)

// ReadOptions say what is read of a record. What a model does not have is refused
// with an [*assessment.ValidationError], as is a value that would be read as
// several.
type ReadOptions struct {
	// Fields are the members to answer, such as "id" and "email"; nil means all. A
	// member that is not among them is empty in the record.
	Fields []string
	// Include asks for fields that are off by default. Nil makes [Client.Candidate]
	// ask for the custom fields, unless Fields are chosen; an empty list asks for
	// none.
	Include []Include
	// Expand asks for more than references.
	Expand []Expand
	// Raw keeps what StackOne exchanged with the ATS for the answer, as RawCalls of
	// the record.
	Raw bool
	// Proxy are query parameters for the ATS behind StackOne
	// (https://docs.stackone.com/guides/passthrough).
	Proxy map[string]string
}

// ListOptions say which part of a list to fetch and how. The zero value is all
// of it. The members that [ReadOptions] has too mean the same, but that a list has
// custom fields only where Include names them.
type ListOptions struct {
	// UpdatedAfter leaves out what was not changed after it.
	UpdatedAfter time.Time
	// CreatedAfter leaves out what was made before it; not for packages.
	CreatedAfter time.Time
	// PageSize is how many records are fetched at once; zero leaves it to StackOne
	// (25). The largest is not documented.
	PageSize int
	Fields   []string
	Include  []Include
	Expand   []Expand
	Raw      bool
	Proxy    map[string]string
}

// model is a kind of record that can be read: its path and what its reads take.
type model struct {
	path    string
	undated bool // its list has no filter created_after
	noRaw   bool // its records have no place for RawCalls
	include []Include
	expand  []Expand
}

var (
	assessmentPackageModel = model{path: assessmentPackages, undated: true, noRaw: true}
	backgroundPackageModel = model{path: backgroundCheckPackages, undated: true, noRaw: true}
	candidateModel         = model{path: "candidates", include: []Include{IncludeCustomFields}}
	applicationModel       = model{
		path: "applications", include: []Include{IncludeAttachments, IncludeCustomFields}, expand: []Expand{ExpandDocuments},
	}
	jobModel = model{
		path: "jobs", include: []Include{IncludeCustomFields}, expand: []Expand{ExpandJobPostings, ExpandInterviewStages},
	}
	jobPostingModel = model{path: "job_postings", include: []Include{IncludeQuestionnaires}}
)

// joinedOptions is what the options of a lookup ask for together.
func joinedOptions(options []ReadOptions) ReadOptions {
	var all ReadOptions
	for _, o := range options {
		all.Fields = append(all.Fields, o.Fields...)
		if o.Include != nil {
			all.Include = append(slices.Grow(all.Include, 1), o.Include...) // not nil, if it is empty
		}
		all.Expand = append(all.Expand, o.Expand...)
		all.Raw = all.Raw || o.Raw
		if all.Proxy == nil && o.Proxy != nil {
			all.Proxy = make(map[string]string, len(o.Proxy))
		}
		maps.Copy(all.Proxy, o.Proxy)
	}
	return all
}

// query writes the options of a read, or says what is wrong with them.
func (m *model) query(o ReadOptions, problems *outbound.Problems) url.Values {
	query := url.Values{}
	for i, field := range o.Fields {
		if !isField(field) {
			problems.Add(outbound.Index("fields", i), "not the name of a field")
		}
	}
	checkValues(problems, "include", o.Include, m.include)
	checkValues(problems, "expand", o.Expand, m.expand)
	setJoined(query, "fields", o.Fields)
	setJoined(query, "include", o.Include)
	setJoined(query, "expand", o.Expand)
	if o.Raw {
		query.Set("raw", "true")
		if m.noRaw {
			problems.Add("raw", "not for packages: use Call")
		}
	}
	for name, value := range o.Proxy {
		problems.Name("proxy", name)
		problems.Text("proxy."+name, value)
		query.Set("proxy["+name+"]", value)
	}
	return query
}

// isField reports whether a text is one name, or a path of names with dots. A
// comma would make it several.
func isField(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

func checkValues[T ~string](problems *outbound.Problems, name string, values, known []T) {
	for i, v := range values {
		if !slices.Contains(known, v) {
			problems.Add(outbound.Index(name, i), "not for these records")
		}
	}
}

// setJoined writes a list the way StackOne takes it: with commas, in one value.
func setJoined[T ~string](query url.Values, name string, values []T) {
	if len(values) == 0 {
		return
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	query.Set(name, strings.Join(texts, ","))
}

// filters are values of filter[…], by name. What is empty is not sent.
type filters map[string]string

// listQuery has filters in brackets, on every list: without them they are
// deprecated, and not known for all.
func (m *model) listQuery(o ListOptions, own filters) (url.Values, error) {
	var problems outbound.Problems
	query := m.query(ReadOptions{Fields: o.Fields, Include: o.Include, Expand: o.Expand, Raw: o.Raw, Proxy: o.Proxy}, &problems)
	setTime(query, &problems, "updated_after", o.UpdatedAfter)
	setTime(query, &problems, "created_after", o.CreatedAfter)
	if m.undated && !o.CreatedAfter.IsZero() {
		problems.Add("created_after", "not for packages")
	}
	for name, value := range own {
		if value != "" {
			problems.Name(name, value)
			query.Set("filter["+name+"]", value)
		}
	}
	switch {
	case o.PageSize < 0:
		problems.Add("page_size", "must not be negative")
	case o.PageSize > 0:
		query.Set("page_size", strconv.Itoa(o.PageSize))
	}
	return query, problems.Err()
}

func setTime(query url.Values, problems *outbound.Problems, name string, at time.Time) {
	if at.IsZero() {
		return
	}
	if year := at.UTC().Year(); year < 0 || year > 9999 { // RFC 3339 has no form for it
		problems.Add(name, "out of range")
		return
	}
	query.Set("filter["+name+"]", timestamp(at))
}

// list walks through a unified list. The page size stays the same for the whole
// sequence, and an empty page with a cursor goes on
// (https://docs.stackone.com/guides/pagination).
func list[W, T any](ctx context.Context, c *Client, account string, m *model, o ListOptions, own filters, domain func(*W) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		query, err := m.listQuery(o, own)
		if err != nil {
			yield(zero, err)
			return
		}
		for wire, err := range transport.Pages(ctx, func(ctx context.Context, cursor string) ([]W, string, error) {
			call, err := c.unified(http.MethodGet, m.path, account, splitPath(m.path)...)
			if err != nil {
				return nil, "", err
			}
			if cursor != "" {
				query.Set("next", cursor)
			}
			call.Query, call.Class = query, transport.Bulk
			got, _, err := transport.JSON[page[W]](ctx, c.transport, call)
			return got.records(), got.cursor(), err
		}) {
			if err != nil {
				yield(zero, err)
				return
			}
			if !yield(domain(&wire), nil) {
				return
			}
		}
	}
}

// read fetches one record.
func read[W any](ctx context.Context, c *Client, account string, m *model, id string, o ReadOptions) (W, error) {
	var zero W
	call, err := c.unified(http.MethodGet, m.path+"/{id}", account, append(splitPath(m.path), id)...)
	if err != nil {
		return zero, err
	}
	var problems outbound.Problems
	call.Query = m.query(o, &problems)
	if err := problems.Err(); err != nil {
		return zero, err
	}
	got, _, err := transport.JSON[one[W]](ctx, c.transport, call)
	if err != nil {
		return zero, err
	}
	keepCalls(got.Data, got.Raw)
	return *got.Data, nil
}
