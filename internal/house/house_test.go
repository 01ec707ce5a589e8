package house

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const module = "github.com/assessbridge/assessbridge"

var vendors = []string{"kombo", "stackone", "ashby"}

// The third-party modules, by the packages that may link them.
const (
	retryable = "github.com/hashicorp/go-retryablehttp"
	yaml      = "gopkg.in/yaml.v3"
	testify   = "github.com/stretchr/testify"
	gocmp     = "github.com/google/go-cmp"
)

// source is one Go file of the tree.
type source struct {
	file string // slash-separated, relative to the root
	dir  string // its folder; "." is the root
	test bool
	ast  *ast.File
}

// tree is a parsed repository.
type tree struct {
	fs      fs.FS
	files   []string // every file outside .git
	sources []source // Go files outside testdata
	modules []string // folders of nested modules
}

func load(fsys fs.FS) (*tree, error) {
	t := &tree{fs: fsys}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || d.Name() == ".git":
			return nil // in a linked worktree .git is a file
		}
		t.files = append(t.files, name)
		if path.Base(name) == "go.mod" && name != "go.mod" {
			t.modules = append(t.modules, path.Dir(name))
		}
		if path.Ext(name) != ".go" || inTestdata(name) {
			return nil
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, body, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.sources = append(t.sources, source{
			file: name,
			dir:  path.Dir(name),
			test: strings.HasSuffix(name, "_test.go"),
			ast:  parsed,
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The rules accept a package that is missing; a walk that starts in the
	// wrong folder must not pass for a tree without violations.
	if !slices.ContainsFunc(t.sources, func(s source) bool { return t.public(s) && !s.test }) {
		return nil, errors.New("the walk found no packages")
	}
	return t, nil
}

func inTestdata(name string) bool {
	return slices.Contains(strings.Split(path.Dir(name), "/"), "testdata")
}

func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// root says whether s belongs to the root module.
func (t *tree) root(s source) bool {
	return !slices.ContainsFunc(t.modules, func(m string) bool { return within(s.dir, m) })
}

// public says whether s belongs to a package that others can see.
func (t *tree) public(s source) bool {
	return t.root(s) && !slices.Contains(strings.Split(s.dir, "/"), "internal")
}

// A rule returns its violations, each starting with the file.
type rule func(*tree) []string

var rules = map[string]rule{
	"imports":         imports,
	"testdata":        testdata,
	"doc comments":    docComments,
	"package docs":    packageDocs,
	"forbidden words": forbiddenWords,
	"no sleep, skip":  noSleepNoSkip,
}

// imports checks who may import whom.
func imports(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		if !t.root(s) {
			continue
		}
		for _, spec := range s.ast.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				found = append(found, fmt.Sprintf("%s: %v", s.file, err))
				continue
			}
			if why := refused(s, target); why != "" {
				found = append(found, fmt.Sprintf("%s: imports %s: %s", s.file, target, why))
			}
		}
	}
	return found
}

// refused says why s may not import target, empty if it may.
func refused(s source, target string) string {
	first, _, _ := strings.Cut(target, "/")
	if !strings.Contains(first, ".") {
		return "" // the standard library
	}
	if within(target, yaml) && s.dir != "assessment/catalog" {
		return "only assessment/catalog may"
	}
	local, ours := strings.CutPrefix(target, module+"/")
	if vendor := vendorOf(s.dir); ours && vendor != "" && vendorOf(local) != "" && vendorOf(local) != vendor {
		return "vendor packages never import each other"
	}
	if s.test {
		return ""
	}
	if within(target, testify) || within(target, gocmp) {
		if s.dir == "internal/vendortest" {
			return ""
		}
		return "only _test.go files and internal/vendortest may"
	}
	if target == module+"/internal/vendortest" {
		return "only _test.go files may"
	}
	if ours {
		target = local
	}
	for _, allowed := range permitted(s.dir) {
		if allowed == target || ours && allowed == anyOfOurs || within(target, allowed) && strings.Contains(allowed, ".") {
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

// anyOfOurs stands for every package of this module.
const anyOfOurs = "*"

// permitted returns what the non-test files of dir may import beyond the
// standard library: folders of this module, and modules of others.
func permitted(dir string) []string {
	vendor := vendorOf(dir)
	switch {
	case dir == "assessment" || within(dir, "webhook"):
		return nil
	case vendor != "" && within(dir, path.Join(vendor, vendor+"test")):
		return []string{"internal/simkit"}
	case vendor != "":
		return []string{"assessment", "webhook", "internal/transport", "assessment/inbound", "internal/lenient", "internal/outbound"}
	case within(dir, "internal/simkit") || within(dir, "internal/lenient"):
		return nil
	case within(dir, "internal/vendortest"):
		return []string{"assessment", "webhook"}
	case within(dir, "internal/outbound"):
		return []string{"assessment"}
	case within(dir, "assessment/inbound"):
		return []string{"assessment", "webhook"}
	case within(dir, "internal/transport"):
		return []string{"assessment", retryable}
	case dir == "assessment/catalog":
		return []string{"assessment", yaml}
	case dir == "assessment/assessmenttest":
		return []string{"assessment", "kombo/kombotest", "stackone/stackonetest", "ashby/ashbytest"}
	case within(dir, "assessment"):
		return []string{"assessment"}
	default:
		return []string{anyOfOurs}
	}
}

// testdata checks that every file in a testdata folder is named by a test of
// the package beside it. Globs and folder names do not count: a fuzz target
// that seeds itself from testdata/*.json would vouch for every file without
// expecting anything of it.
func testdata(t *tree) []string {
	literals := make(map[string][]string) // by folder
	for _, s := range t.sources {
		if !s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					literals[s.dir] = append(literals[s.dir], text)
				}
			}
			return true
		})
	}
	var found []string
	for _, file := range t.files {
		dir, name, ok := strings.Cut("/"+file, "/testdata/")
		if !ok || strings.HasPrefix(name, "fuzz/") {
			continue
		}
		dir = path.Join(".", strings.TrimPrefix(dir, "/"))
		named := func(text string) bool { return mentions(text, path.Base(name)) }
		if !slices.ContainsFunc(literals[dir], named) {
			found = append(found, file+": no test of its package names it")
		}
	}
	return found
}

// mentions says whether text contains the file name as a whole: data.json does
// not name a.json.
func mentions(text, name string) bool {
	inName := func(b byte) bool {
		return b == '_' || b == '-' || b == '.' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(name)
		if (start == 0 || !inName(text[start-1])) && (end == len(text) || !inName(text[end])) {
			return true
		}
		from = start + 1
	}
}

// docComments checks that what others can see has a comment starting with its
// name. A grouped const or var block may have one comment for all.
func docComments(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		if s.test || !t.public(s) || s.ast.Name.Name == "main" {
			continue
		}
		missing := func(name string) {
			found = append(found, fmt.Sprintf("%s: %s has no doc comment that starts with its name", s.file, name))
		}
		for _, decl := range s.ast.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if visible(decl) && !startsWith(decl.Doc, decl.Name.Name) {
					missing(decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(decl) {
					missing(name)
				}
			}
		}
	}
	return found
}

// visible says whether a function, or a method and its type, is exported.
func visible(f *ast.FuncDecl) bool {
	if !f.Name.IsExported() || f.Recv == nil {
		return f.Name.IsExported()
	}
	receiver := f.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.ParenExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.IsExported()
		default:
			return true
		}
	}
}

func undocumented(decl *ast.GenDecl) []string {
	var names []string
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc
			if !decl.Lparen.IsValid() {
				doc = decl.Doc
			}
			if spec.Name.IsExported() && !startsWith(doc, spec.Name.Name) {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && !valueDocumented(decl, spec, name.Name) {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

func valueDocumented(decl *ast.GenDecl, spec *ast.ValueSpec, name string) bool {
	if !decl.Lparen.IsValid() {
		return startsWith(decl.Doc, name) || len(spec.Names) > 1 && said(decl.Doc)
	}
	return said(decl.Doc) || said(spec.Doc) || said(spec.Comment)
}

func said(doc *ast.CommentGroup) bool {
	return doc != nil && strings.TrimSpace(doc.Text()) != ""
}

func startsWith(doc *ast.CommentGroup, name string) bool {
	if doc == nil {
		return false
	}
	rest, ok := strings.CutPrefix(doc.Text(), name)
	// Text ends with a newline, so rest is never empty. A possessive is fine,
	// a longer name is not.
	return ok && !regexp.MustCompile(`^\w`).MatchString(rest)
}

// packageDocs checks that every package that others can see has a doc.go with
// its package comment. A command may have the comment in any of its files.
func packageDocs(t *tree) []string {
	documented := make(map[string]bool)
	for _, s := range t.sources {
		if s.test || !t.public(s) {
			continue
		}
		command := s.ast.Name.Name == "main"
		start := "Package " + s.ast.Name.Name
		ok := command && said(s.ast.Doc) || path.Base(s.file) == "doc.go" && startsWith(s.ast.Doc, start)
		documented[s.dir] = documented[s.dir] || ok
	}
	var found []string
	for dir, ok := range documented {
		if !ok {
			found = append(found, dir+": no doc.go with a package comment")
		}
	}
	slices.Sort(found)
	return found
}

// The words are put together here so that this file does not contain them.
var forbidden = []*regexp.Regexp{
	regexp.MustCompile(regexp.QuoteMeta(".." + "/shared")),
	// An absolute path into somebody's own machine; /v1/home/ and
	// https://example.com/work/ are not.
	regexp.MustCompile(`(?:^|file://|[^\w.\-/*})\]])/(?:work|home|root|Users)/`),
	regexp.MustCompile(`(?i)\b(?:proxy|sum)\.` + `golang\.org`),
	regexp.MustCompile(`(?i)\bgoproxy\.` + `(?:io|cn)\b`),
	regexp.MustCompile(`(?i)\bregistry\.` + `(?:npmjs|yarnpkg)\.`),
}

// forbiddenWords checks that no file knows the machine that it was written on.
func forbiddenWords(t *tree) []string {
	var found []string
	for _, file := range t.files {
		body, err := fs.ReadFile(t.fs, file)
		if err != nil {
			found = append(found, fmt.Sprintf("%s: %v", file, err))
			continue
		}
		if bytes.IndexByte(body, 0) >= 0 {
			continue // a binary that somebody built here
		}
		for i, line := range bytes.Split(body, []byte("\n")) {
			for _, word := range forbidden {
				if hit := word.Find(line); hit != nil {
					found = append(found, fmt.Sprintf("%s:%d: contains %q", file, i+1, hit))
				}
			}
		}
	}
	return found
}

// noSleepNoSkip checks that tests neither wait for the clock nor leave
// themselves out.
func noSleepNoSkip(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		if !s.test {
			continue
		}
		clock := importName(s.ast, "time")
		ast.Inspect(s.ast, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := selector.X.(*ast.Ident)
			if ok && clock != "" && x.Name == clock && selector.Sel.Name == "Sleep" {
				found = append(found, s.file+": sleeps")
			}
			return true
		})
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) {
				found = append(found, s.file+": skips")
			}
			return true
		})
	}
	return found
}

// importName returns the name that file knows the package under, empty if it
// does not import it.
func importName(file *ast.File, target string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(target) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(target)
	}
	return ""
}

func TestRepository(t *testing.T) {
	repository, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	for name, check := range rules {
		t.Run(name, func(t *testing.T) {
			for _, violation := range check(repository) {
				t.Error(violation)
			}
		})
	}
}

func TestNoPackages(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"empty tree":         {},
		"no Go files":        {"README.md": "hello\n"},
		"tests only":         {"kombo/client_test.go": "package kombo\n"},
		"internal only":      {"internal/house/doc.go": "package house\n"},
		"nested module only": {"internal/tools/go.mod": "module x\n", "internal/tools/tools.go": "package tools\n"},
		"testdata only":      {"kombo/testdata/a.go": "package a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(mapFS(files))
			require.ErrorContains(t, err, "no packages")
		})
	}
}

func TestUnparsable(t *testing.T) {
	_, err := load(mapFS(map[string]string{"kombo/client.go": "package kombo\nfunc {"}))
	require.Error(t, err)
}

// TestRules breaks each rule once per case, in a tree that is otherwise sound,
// and shows beside it what the rule must let pass (want empty).
func TestRules(t *testing.T) {
	const (
		ours = module + "/"
		doc  = "// Package kombo is sound.\npackage kombo\n"
		test = "package kombo\n\nimport \"testing\"\n\n"
	)
	imp := func(pkg, target string) string {
		return fmt.Sprintf("package %s\n\nimport _ %q\n", pkg, target)
	}
	clock := func(imported, call string) string {
		return "package kombo\n\nimport (\n\t\"testing\"\n\t" + imported + "\n)\n\nfunc TestX(t *testing.T) { " + call + " }\n"
	}
	for _, tc := range []struct {
		name string
		rule string
		file string
		body string
		more map[string]string
		want string // part of the only violation
	}{
		{name: "std", rule: "imports", file: "assessment/a.go", body: imp("assessment", "net/http")},
		{name: "assessment third-party", rule: "imports", file: "assessment/a.go", body: imp("assessment", "github.com/google/uuid"), want: "assessment/a.go: imports github.com/google/uuid"},
		{name: "assessment ours", rule: "imports", file: "assessment/a.go", body: imp("assessment", ours+"webhook"), want: "not among"},
		{name: "assessment below itself", rule: "imports", file: "assessment/a.go", body: imp("assessment", ours+"assessment/catalog"), want: "not among"},
		{name: "webhook ours", rule: "imports", file: "webhook/w.go", body: imp("webhook", ours+"assessment"), want: "not among"},
		{name: "webhook third-party", rule: "imports", file: "webhook/w.go", body: imp("webhook", retryable), want: "not among"},
		{name: "transport assessment", rule: "imports", file: "internal/transport/t.go", body: imp("transport", ours+"assessment")},
		{name: "transport retryablehttp", rule: "imports", file: "internal/transport/t.go", body: imp("transport", retryable)},
		{name: "transport webhook", rule: "imports", file: "internal/transport/t.go", body: imp("transport", ours+"webhook"), want: "not among"},
		{name: "transport third-party", rule: "imports", file: "internal/transport/t.go", body: imp("transport", "github.com/hashicorp/go-hclog"), want: "not among"},
		{name: "transport vendor", rule: "imports", file: "internal/transport/t.go", body: imp("transport", ours+"kombo"), want: "not among"},
		{name: "vendor assessment", rule: "imports", file: "kombo/k.go", body: imp("kombo", ours+"assessment")},
		{name: "vendor webhook", rule: "imports", file: "stackone/k.go", body: imp("stackone", ours+"webhook")},
		{name: "inbound webhook", rule: "imports", file: "assessment/inbound/t.go", body: imp("inbound", ours+"webhook")},
		{name: "inbound vendor", rule: "imports", file: "assessment/inbound/t.go", body: imp("inbound", ours+"kombo"), want: "not among"},
		{name: "vendor inbound", rule: "imports", file: "ashby/k.go", body: imp("ashby", ours+"assessment/inbound")},
		{name: "vendor transport", rule: "imports", file: "ashby/k.go", body: imp("ashby", ours+"internal/transport")},
		{name: "vendor retryablehttp", rule: "imports", file: "kombo/k.go", body: imp("kombo", retryable), want: "not among"},
		{name: "vendor catalog", rule: "imports", file: "kombo/k.go", body: imp("kombo", ours+"assessment/catalog"), want: "not among"},
		{name: "vendor laws", rule: "imports", file: "kombo/k.go", body: imp("kombo", ours+"internal/vendortest"), want: "only _test.go files may"},
		{name: "vendor laws in a test", rule: "imports", file: "kombo/k_test.go", body: imp("kombo", ours+"internal/vendortest")},
		{name: "laws testify", rule: "imports", file: "internal/vendortest/l.go", body: imp("vendortest", testify+"/require")},
		{name: "laws vendor", rule: "imports", file: "internal/vendortest/l.go", body: imp("vendortest", ours+"kombo"), want: "not among"},
		{name: "vendor own simulator", rule: "imports", file: "kombo/k.go", body: imp("kombo", ours+"kombo/kombotest"), want: "not among"},
		{name: "vendor other vendor", rule: "imports", file: "kombo/k.go", body: imp("kombo", ours+"ashby"), want: "never import each other"},
		{name: "vendor other vendor in a test", rule: "imports", file: "kombo/k_test.go", body: imp("kombo", ours+"ashby/ashbytest"), want: "never import each other"},
		{name: "vendor test own simulator", rule: "imports", file: "kombo/k_test.go", body: imp("kombo", ours+"kombo/kombotest")},
		{name: "simulator assessment", rule: "imports", file: "kombo/kombotest/k.go", body: imp("kombotest", ours+"assessment"), want: "not among"},
		{name: "simulator own vendor", rule: "imports", file: "stackone/stackonetest/k.go", body: imp("stackonetest", ours+"stackone"), want: "not among"},
		{name: "simulator testify", rule: "imports", file: "ashby/ashbytest/k.go", body: imp("ashbytest", testify+"/require"), want: "only _test.go"},
		{name: "yaml in the catalogue", rule: "imports", file: "assessment/catalog/c.go", body: imp("catalog", yaml)},
		{name: "yaml elsewhere", rule: "imports", file: "examples/provider/main.go", body: imp("main", yaml), want: "only assessment/catalog"},
		{name: "yaml in a test elsewhere", rule: "imports", file: "kombo/k_test.go", body: imp("kombo", yaml), want: "only assessment/catalog"},
		{name: "testify in a test", rule: "imports", file: "webhook/w_test.go", body: imp("webhook", testify+"/require")},
		{name: "testify outside tests", rule: "imports", file: "assessment/storetest/s.go", body: imp("storetest", testify+"/require"), want: "only _test.go"},
		{name: "go-cmp outside tests", rule: "imports", file: "examples/provider/main.go", body: imp("main", gocmp+"/cmp"), want: "only _test.go"},
		{name: "conformance suite simulators", rule: "imports", file: "assessment/assessmenttest/a.go", body: imp("assessmenttest", ours+"kombo/kombotest")},
		{name: "conformance suite vendor", rule: "imports", file: "assessment/assessmenttest/a.go", body: imp("assessmenttest", ours+"kombo"), want: "not among"},
		{name: "example ours", rule: "imports", file: "examples/provider/main.go", body: imp("main", ours+"kombo")},
		{name: "example third-party", rule: "imports", file: "examples/provider/main.go", body: imp("main", "github.com/spf13/cobra"), want: "not among"},
		{name: "nested module", rule: "imports", file: "examples/other/main.go", body: imp("main", "github.com/spf13/cobra"), more: map[string]string{"examples/other/go.mod": "module other\n"}},

		{name: "named", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"kombo/k_test.go": test + `var f = "testdata/a.json"`}},
		{name: "named by base name", rule: "testdata", file: "kombo/testdata/orders/a.json", body: "{}", more: map[string]string{"kombo/k_test.go": test + "var f = `a.json`"}},
		{name: "named in the root", rule: "testdata", file: "testdata/a.json", body: "{}", more: map[string]string{"readme_test.go": "package x\nvar f = \"a.json\""}},
		{name: "fuzz corpus", rule: "testdata", file: "kombo/testdata/fuzz/FuzzX/1", body: "go test fuzz v1\n"},
		{name: "unread", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", want: "kombo/testdata/a.json: no test"},
		{name: "unread in the root", rule: "testdata", file: "testdata/a.json", body: "{}", want: "testdata/a.json: no test"},
		{name: "part of another name", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"kombo/k_test.go": test + `var f = "data.json a.json5"`}, want: "no test"},
		{name: "named in a comment", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"kombo/k_test.go": test + "// \"a.json\"\n"}, want: "no test"},
		{name: "named by a glob", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"kombo/k_test.go": test + `var f = "testdata/*.json"`}, want: "no test"},
		{name: "named outside tests", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"kombo/k.go": "package kombo\n\nvar f = \"a.json\""}, want: "no test"},
		{name: "named in another package", rule: "testdata", file: "kombo/testdata/a.json", body: "{}", more: map[string]string{"ashby/k_test.go": "package ashby\nvar f = \"a.json\""}, want: "no test"},

		{name: "all documented", rule: "doc comments", file: "kombo/k.go", body: `package kombo

// A is a constant.
const A = 1

// What can go wrong.
var (
	ErrB error
	ErrC error
)

const (
	// D has a comment.
	D = 1
	E = 2 // E has one as well
	f = 3
)

// X, Y are both here.
var X, Y int

// T is a type.
type T[P any] struct{ Field int }

// M is a method.
func (t *T[P]) M() {}

func (t *T[P]) m() {}

type hidden struct{}

func (hidden) M() {}

// F's comment is possessive.
func F() {}
`},
		{name: "function", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\nfunc F() {}\n", want: "kombo/k.go: F has no"},
		{name: "function, other start", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n// This is F.\nfunc F() {}\n", want: "F has no"},
		{name: "function, longer name", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n// Foo is F.\nfunc F() {}\n", want: "F has no"},
		{name: "function, directive only", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n//go:noinline\nfunc F() {}\n", want: "F has no"},
		{name: "method", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n// T is.\ntype T struct{}\n\nfunc (t *T) M() {}\n", want: "M has no"},
		{name: "generic method", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n// T is.\ntype T[P, Q any] struct{}\n\nfunc (t *T[P, Q]) M() {}\n", want: "M has no"},
		{name: "type", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\ntype T struct{}\n", want: "T has no"},
		{name: "grouped type", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\n// Types.\ntype (\n\tT struct{}\n)\n", want: "T has no"},
		{name: "constant", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\nconst A = 1\n", want: "A has no"},
		{name: "grouped variable", rule: "doc comments", file: "kombo/k.go", body: "package kombo\n\nvar (\n\tA = 1\n\tB = 2 // B is said\n)\n", want: "A has no"},
		{name: "internal", rule: "doc comments", file: "internal/x/x.go", body: "package x\n\nfunc F() {}\n"},
		{name: "command", rule: "doc comments", file: "examples/provider/main.go", body: "package main\n\nfunc F() {}\n"},
		{name: "test", rule: "doc comments", file: "kombo/k_test.go", body: test + "func TestX(t *testing.T) {}\n"},

		{name: "package without doc.go", rule: "package docs", file: "ashby/a.go", body: "// Package ashby is.\npackage ashby\n", want: "ashby: no doc.go"},
		{name: "doc.go without comment", rule: "package docs", file: "ashby/doc.go", body: "package ashby\n", want: "ashby: no doc.go"},
		{name: "doc.go with another start", rule: "package docs", file: "ashby/doc.go", body: "// The package.\npackage ashby\n", want: "ashby: no doc.go"},
		{name: "command without comment", rule: "package docs", file: "examples/provider/main.go", body: "package main\n", want: "examples/provider: no doc.go"},
		{name: "command with comment", rule: "package docs", file: "examples/provider/main.go", body: "// Provider serves.\npackage main\n"},
		{name: "internal", rule: "package docs", file: "internal/x/x.go", body: "package x\n"},

		{name: "path out of the tree", rule: "forbidden words", file: "README.md", body: "one\nsee .." + "/shared/a.md\n", want: "README.md:2"},
		{name: "absolute path", rule: "forbidden words", file: "kombo/k.go", body: "package kombo\n\n// See /" + "work/main.\n", want: "kombo/k.go:3"},
		{name: "absolute path in quotes", rule: "forbidden words", file: "a.json", body: `{"a":"/` + `home/me/x"}`, want: "a.json:1"},
		{name: "absolute path as a URL", rule: "forbidden words", file: "a.txt", body: "file:///" + "home/me/x", want: "a.txt:1"},
		{name: "module proxy", rule: "forbidden words", file: ".ci/run", body: "GOPROXY=https://proxy." + "golang.org\n", want: ".ci/run:1"},
		{name: "package registry", rule: "forbidden words", file: "a.txt", body: "https://registry." + "npmjs.org\n", want: "a.txt:1"},
		{name: "innocent paths", rule: "forbidden words", file: "a.txt", body: "/workflows/ https://example.com/work/ /v1/home/x ../share\n"},
		{name: "binary", rule: "forbidden words", file: "provider", body: "\x00 /" + "work/main\n"},

		{name: "sleep", rule: "no sleep, skip", file: "kombo/k_test.go", body: clock(`"time"`, "time.Sleep(1)"), want: "kombo/k_test.go: sleeps"},
		{name: "sleep renamed", rule: "no sleep, skip", file: "kombo/k_test.go", body: clock(`zeit "time"`, "zeit.Sleep(1)"), want: "sleeps"},
		{name: "sleep as a value", rule: "no sleep, skip", file: "kombo/k_test.go", body: clock(`"time"`, "f := time.Sleep; f(1)"), want: "sleeps"},
		{name: "another Sleep", rule: "no sleep, skip", file: "kombo/k_test.go", body: clock(`"fmt"`, "fake.Sleep(1)")},
		{name: "timer", rule: "no sleep, skip", file: "kombo/k_test.go", body: clock(`"time"`, "<-time.After(1)")},
		{name: "skip", rule: "no sleep, skip", file: "kombo/k_test.go", body: test + "func TestX(t *testing.T) { t.Skip() }\n", want: "kombo/k_test.go: skips"},
		{name: "skipf", rule: "no sleep, skip", file: "kombo/k_test.go", body: test + "func BenchmarkX(b *testing.B) { b.Skipf(\"no\") }\n", want: "skips"},
		{name: "skipnow", rule: "no sleep, skip", file: "kombo/k_test.go", body: test + "func TestX(tt *testing.T) { tt.SkipNow() }\n", want: "skips"},
		{name: "outside tests", rule: "no sleep, skip", file: "kombo/k.go", body: "package kombo\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"},
	} {
		t.Run(tc.rule+"/"+tc.name, func(t *testing.T) {
			files := map[string]string{"kombo/doc.go": doc, tc.file: tc.body}
			for name, body := range tc.more {
				files[name] = body
			}
			loaded, err := load(mapFS(files))
			require.NoError(t, err)
			found := rules[tc.rule](loaded)
			if tc.want == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Contains(t, found[0], tc.want)
		})
	}
}

func mapFS(files map[string]string) fs.FS {
	m := make(fstest.MapFS)
	for name, body := range files {
		m[name] = &fstest.MapFile{Data: []byte(body)}
	}
	return m
}
