package check

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// front is the one address of a vendor's API. It hands every call to the simulator
// of the check that the call is about, and what is about none to a simulator without
// customers, which answers as the vendor does to a stranger.
type front struct {
	// names are what a call may be recognised by: the account that it selects, the
	// ids in its path and body.
	names func(*http.Request, []byte) []string
	other http.Handler

	mu     sync.Mutex
	worlds []*world
}

// world is a simulator of a check.
type world struct {
	serve http.Handler
	owns  func(name string) bool
}

// add makes a world known until it is removed.
func (f *front) add(w *world) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.worlds = append(f.worlds, w)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.worlds = slices.DeleteFunc(f.worlds, func(o *world) bool { return o == w })
	}
}

func (f *front) find(names []string) http.Handler {
	f.mu.Lock()
	worlds := slices.Clone(f.worlds)
	f.mu.Unlock()
	for _, w := range worlds {
		if slices.ContainsFunc(names, w.owns) {
			return w.serve
		}
	}
	return f.other
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller hung up while sending: nobody reads an answer
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.find(f.names(r, body)).ServeHTTP(w, r)
}

// byHeader recognises calls by a header, and by what stands in the path, escaped or
// not.
func byHeader(header string) func(*http.Request, []byte) []string {
	return func(r *http.Request, _ []byte) []string {
		if account := r.Header.Get(header); account != "" {
			return []string{account}
		}
		return strings.Split(r.URL.Path, "/")
	}
}

// byBody recognises calls by the texts in their body.
func byBody(_ *http.Request, body []byte) []string {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return nil
	}
	return texts(tree, nil)
}

func texts(tree any, found []string) []string {
	switch v := tree.(type) {
	case string:
		return append(found, v)
	case []any:
		for _, item := range v {
			found = texts(item, found)
		}
	case map[string]any:
		for _, item := range v {
			found = texts(item, found)
		}
	}
	return found
}
