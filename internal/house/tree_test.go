package house

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	files   []string // every file outside .git
	sources []source // Go files outside testdata
	modules []string // folders of nested modules
}

func load(fsys fs.FS) (*tree, error) {
	t := &tree{}
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
		if path.Ext(name) != ".go" || slices.Contains(strings.Split(path.Dir(name), "/"), "testdata") {
			return nil
		}
		return t.parse(fsys, name)
	})
	if err != nil {
		return nil, err
	}
	// The rules accept a package that is missing; a walk that starts in the wrong
	// folder must not pass for a tree without violations.
	if !slices.ContainsFunc(t.sources, func(s source) bool { return s.dir == "assessment" && !s.test }) {
		return nil, errors.New("the walk found no packages")
	}
	return t, nil
}

func (t *tree) parse(fsys fs.FS, name string) error {
	body, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, body, parser.SkipObjectResolution)
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
}

// module returns the folder of the nested module that s belongs to, empty for the
// root module.
func (t *tree) module(s source) string {
	for _, m := range t.modules {
		if within(s.dir, m) {
			return m
		}
	}
	return ""
}

func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// A rule returns its violations, each starting with the file.
type rule func(*tree) []string

func TestRepository(t *testing.T) {
	repository, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	for name, check := range map[string]rule{
		"imports":        imports,
		"testdata":       testdata,
		"no sleep, skip": noSleepNoSkip,
	} {
		t.Run(name, func(t *testing.T) {
			for _, violation := range check(repository) {
				t.Error(violation)
			}
		})
	}
}

func TestNoPackages(t *testing.T) {
	_, err := load(os.DirFS("testdata"))
	require.ErrorContains(t, err, "no packages")
}
