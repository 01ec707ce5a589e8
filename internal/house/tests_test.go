package house

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

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
