package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages are what an operator reads when something has to be done.
var pages = []string{"../../docs/operations.md", "../../docs/migrate.md", "../../docs/data.md", "README.md"}

var (
	fence      = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```")
	inlineCode = regexp.MustCompile("`([^`\n]+)`")
	argument   = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)
)

// commandsOf returns the service's command lines of a page: those in its blocks and
// those in its sentences.
func commandsOf(page string) (lines []string) {
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		for line := range strings.SplitSeq(strings.ReplaceAll(block[2], "\\\n", " "), "\n") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	for _, code := range inlineCode.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		lines = append(lines, code[1])
	}
	var found []string
	for _, line := range lines {
		line = strings.TrimPrefix(line, "go run ./examples/")
		line, _, _ = strings.Cut(line, "  #")
		line, _, _ = strings.Cut(line, " | ")
		if strings.HasPrefix(line, "service ") {
			found = append(found, strings.TrimSuffix(strings.TrimSpace(line), " &"))
		}
	}
	return found
}

// Every command on the pages can be typed as it stands there: the command exists, it
// has these flags, and they go together.
func TestPagesNameRealCommands(t *testing.T) {
	standIn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	defer standIn.Close()
	shown := make(map[string]bool)
	for _, name := range pages {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, line := range commandsOf(string(page)) {
			var args []string
			for _, one := range argument.FindAllString(line, -1)[1:] {
				args = append(args, strings.Trim(one, `'"`))
			}
			if strings.HasPrefix(args[0], "-") { // the service itself
				_, err := read(args, good(), &lines{})
				require.True(t, err == nil || strings.Contains(err.Error(), "help requested"), "%s: %s: %v", name, line, err)
				continue
			}
			v, _, err := find(args)
			require.NoError(t, err, "%s: %s", name, line)
			shown[v.name] = true
			if len(args) == len(strings.Fields(v.name)) && v.words != "" || line == "service "+v.name {
				continue // it is only named
			}
			o := operator{t, good(prefix + "OPS_TOKEN=" + secret)}
			code, _, stderr := o.run(append(args, "--service", standIn.URL)...)
			require.Contains(t, []int{exitDone, exitRefused}, code, "%s: %s: %s", name, line, stderr)
		}
	}
	for _, v := range verbs {
		require.True(t, shown[v.name], "no page shows %q", v.name)
	}
}

// public are the packages whose names the pages use.
var public = []string{
	"assessment", "assessment/sqlstore", "assessment/durable", "assessment/inbound", "assessment/assessmentotel",
	"assessment/catalog", "assessment/storetest", "kombo", "stackone", "ashby", "webhook",
}

// api holds the exported names of the packages: of a package, and of each type.
type api struct{ packages, types map[string]map[string]bool }

func readAPI(t *testing.T) api {
	a := api{make(map[string]map[string]bool), make(map[string]map[string]bool)}
	for _, path := range public {
		files, err := filepath.Glob(filepath.Join("../..", path, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, path)
		names := make(map[string]bool)
		a.packages[filepath.Base(path)] = names
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range file.Decls {
				a.add(names, d)
			}
		}
	}
	return a
}

func (a api) of(name string) map[string]bool {
	if a.types[name] == nil {
		a.types[name] = make(map[string]bool)
	}
	return a.types[name]
}

func (a api) add(names map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names[d.Name.Name] = true
			return
		}
		receiver := d.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if named, ok := receiver.(*ast.Ident); ok {
			a.of(named.Name)[d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names[n.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				a.members(s)
			}
		}
	}
}

func (a api) members(s *ast.TypeSpec) {
	members := a.of(s.Name.Name)
	var fields *ast.FieldList
	switch of := s.Type.(type) {
	case *ast.StructType:
		fields = of.Fields
	case *ast.InterfaceType:
		fields = of.Methods
	default:
		return
	}
	for _, f := range fields.List {
		for _, n := range f.Names {
			members[n.Name] = true
		}
	}
}

// anywhere says whether something has this name.
func (a api) anywhere(name string) bool {
	for _, sets := range []map[string]map[string]bool{a.packages, a.types} {
		for _, names := range sets {
			if names[name] {
				return true
			}
		}
	}
	return false
}

// has says whether a.b names something: a package and a name of it, or a type and a
// method or field.
func (a api) has(of, name string) bool {
	if names, ok := a.packages[of]; ok {
		return names[name]
	}
	return a.types[of][name]
}

// qualified is a name with what it belongs to.
var qualified = regexp.MustCompile(`\b([A-Za-z]\w*)\.([A-Z]\w*)`)

// foreign are names of the standard library and of others.
var foreign = map[string]bool{"http": true, "iter": true, "sql": true, "context": true, "slog": true, "log": true, "pgx": true, "river": true, "prometheus": true, "flags": true}

// variables are those of the pages' examples.
var exampleVariables = map[string]string{
	"service": "Service", "outbox": "Outbox", "report": "ImportReport", "s": "Sighting", "leaver": "Offboarding", "count": "Offboarded",
}

// plainName is a name of the library without what it belongs to.
var plainName = regexp.MustCompile(`^[A-Z][a-z]+\w*$`)

// words are code on the pages that looks like a name of the library.
var words = map[string]bool{"ReadHeaderTimeout": true, "ReadTimeout": true, "WriteTimeout": true}

// Every name of the library on the pages is one that the library has.
func TestPagesNameRealAPI(t *testing.T) {
	a := readAPI(t)
	for _, name := range pages {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		var code []string
		for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
			if block[1] == "go" {
				code = append(code, block[2])
			}
		}
		for _, one := range inlineCode.FindAllStringSubmatch(fence.ReplaceAllString(string(page), ""), -1) {
			code = append(code, one[1])
		}
		for _, text := range code {
			if plainName.MatchString(text) && !words[text] && !a.anywhere(text) {
				t.Errorf("%s: %s", name, text)
			}
			for _, m := range qualified.FindAllStringSubmatch(text, -1) {
				of := m[1]
				if v, ok := exampleVariables[of]; ok {
					of = v
				}
				if !foreign[of] {
					if !a.has(of, m[2]) {
						t.Errorf("%s: %s.%s", name, m[1], m[2])
					}
				}
			}
		}
	}
}
