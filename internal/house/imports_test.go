package house

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/assessbridge/assessbridge"

// The third-party modules of the root module.
const (
	retryable = "github.com/hashicorp/go-retryablehttp"
	yaml      = "gopkg.in/yaml.v3"
	testify   = "github.com/stretchr/testify"
	gocmp     = "github.com/google/go-cmp"
)

// ours stands for every package of this module.
const ours = "*"

var vendors = []string{"kombo", "stackone", "ashby"}

// aisle says what the files of a folder and of those below it, tests apart, may
// import beyond the standard library. The first that fits a folder counts.
type aisle struct {
	folder string
	only   bool // the folder itself, not those below it
	may    []string
}

var aisles = []aisle{
	{folder: "assessment", only: true},
	{folder: "assessment/inbound", may: []string{"assessment", "webhook"}},
	{folder: "assessment/catalog", may: []string{"assessment", "internal/yamlfile"}},
	{folder: "assessment/assessmenttest", may: []string{"assessment", "internal/check", "kombo/kombotest", "stackone/stackonetest", "ashby/ashbytest"}},
	{folder: "assessment", may: []string{"assessment"}},
	{folder: "webhook"},
	// A simulator that shares our code would confirm our mistakes.
	{folder: "kombo/kombotest", may: []string{"internal/simkit"}},
	{folder: "stackone/stackonetest", may: []string{"internal/simkit"}},
	{folder: "ashby/ashbytest", may: []string{"internal/simkit"}},
	{folder: "kombo", may: vendorMay},
	{folder: "stackone", may: vendorMay},
	{folder: "ashby", may: vendorMay},
	{folder: "internal/simkit"},
	{folder: "internal/lenient"},
	{folder: "internal/outbound", may: []string{"assessment"}},
	{folder: "internal/transport", may: []string{"assessment", "internal/lenient", retryable}},
	{folder: "internal/nearmiss"},
	{folder: "internal/yamlfile", may: []string{yaml, "internal/nearmiss"}},
	{folder: "internal/check", may: []string{"assessment", "internal/simkit", "kombo/kombotest", "stackone/stackonetest", "ashby/ashbytest"}},
	{folder: "internal/vendortest", may: []string{"assessment", "webhook", testify, gocmp}},
	{folder: "", may: []string{ours}},
}

var vendorMay = []string{
	"assessment", "assessment/inbound", "webhook", "internal/transport", "internal/lenient", "internal/outbound",
}

func permitted(dir string) []string {
	for _, a := range aisles {
		if dir == a.folder || !a.only && (a.folder == "" || within(dir, a.folder)) {
			return a.may
		}
	}
	return nil
}

// imports checks who may import whom.
func imports(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		for _, spec := range s.ast.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				found = append(found, fmt.Sprintf("%s: %v", s.file, err))
				continue
			}
			if why := refused(s, t.module(s), target); why != "" {
				found = append(found, fmt.Sprintf("%s: imports %s: %s", s.file, target, why))
			}
		}
	}
	return found
}

// refused says why s, of a nested module if that is not empty, may not import
// target; it is empty if it may.
func refused(s source, nested, target string) string {
	first, _, _ := strings.Cut(target, "/")
	if !strings.Contains(first, ".") {
		return "" // the standard library
	}
	local, own := strings.CutPrefix(target, module+"/")
	switch {
	case nested != "" && own && strings.Contains("/"+local+"/", "/internal/") && !within(local, nested):
		return "a nested module imports public packages only, as a user's would"
	case nested != "":
		return ""
	}
	if vendor := vendorOf(s.dir); own && vendor != "" && vendorOf(local) != "" && vendorOf(local) != vendor {
		return "vendor packages never import each other"
	}
	if s.test {
		if within(target, yaml) && s.dir != "internal/yamlfile" {
			return "only internal/yamlfile may"
		}
		return ""
	}
	for _, allowed := range permitted(s.dir) {
		switch {
		case allowed == local && own, allowed == ours && own, !own && within(target, allowed):
			return ""
		}
	}
	return "not among the imports that this package is allowed"
}

// vendorOf returns the vendor whose folder dir is in, empty if none.
func vendorOf(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	if slices.Contains(vendors, first) {
		return first
	}
	return ""
}
