package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// secretDirs are where secrets and keys are compared. No test can see time or what
// is left in memory, so the source is looked at:
//
//   - Nothing is compared with bytes.Equal and the like, which stop at the first
//     difference.
//   - The loops over all keys end after the last key, not after the one that
//     matched.
//   - A sum is wiped before it is given back.
var secretDirs = []string{"webhook", "assessment/inbound"}

// early are functions that return as soon as they know.
var early = map[string]bool{"Equal": true, "Compare": true, "EqualFold": true, "HasPrefix": true, "Contains": true, "Index": true}

// findersOf are the functions that try all keys, wipersOf those that wipe a sum, by
// file.
var (
	findersOf = map[string]string{"webhook/keyring.go": "find", "assessment/inbound/keys.go": "find"}
	wipersOf  = map[string]string{"webhook/keyring.go": "release"}
)

func secretsInConstantTime(t *tree) (found []string) {
	for _, s := range t.sources {
		if s.test || !slices.Contains(secretDirs, s.dir) {
			continue
		}
		finder, wiper := findersOf[s.file], wipersOf[s.file]
		for _, decl := range s.ast.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			note := func(what string) { found = append(found, fmt.Sprintf("%s: %s: %s", s.file, f.Name.Name, what)) }
			if callsAny(f.Body, "bytes", early) || callsAny(f.Body, "slices", map[string]bool{"Equal": true, "Compare": true}) {
				note("compares bytes in a time that tells how far they are equal")
			}
			if f.Name.Name == finder {
				finder = ""
				if leavesLoop(f.Body) {
					note("leaves the loop over the keys before the last one")
				}
				if !callsAny(f.Body, "subtle", map[string]bool{"ConstantTimeSelect": true}) {
					note("does not select the key in constant time")
				}
			}
			if f.Name.Name == wiper {
				wiper = ""
				if !clears(f.Body) {
					note("does not wipe the sum")
				}
			}
		}
		for _, missing := range []string{finder, wiper} {
			if missing != "" {
				found = append(found, fmt.Sprintf("%s: %s is missing", s.file, missing))
			}
		}
	}
	return found
}

// callsAny says whether a function of a package is called that is among names.
func callsAny(body ast.Node, pkg string, names map[string]bool) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			x, isName := sel.X.(*ast.Ident)
			found = found || isName && x.Name == pkg && names[sel.Sel.Name]
		}
		return true
	})
	return found
}

// leavesLoop says whether anything in a loop can end it or make a difference to
// what it does.
func leavesLoop(body ast.Node) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		ast.Inspect(loop.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ReturnStmt, *ast.BranchStmt, *ast.IfStmt, *ast.SwitchStmt:
				found = true
			case *ast.BinaryExpr:
				found = found || n.Op == token.LAND || n.Op == token.LOR
			}
			return true
		})
		return false
	})
	return found
}

func clears(body ast.Node) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			name, isName := call.Fun.(*ast.Ident)
			found = found || isName && name.Name == "clear"
		}
		return true
	})
	return found
}

func TestSecretsAreComparedInConstantTime(t *testing.T) {
	repository, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	require.Empty(t, secretsInConstantTime(repository))
}

func TestSecretRuleFindsViolations(t *testing.T) {
	const good = `package webhook
func find(keys []key) (id string) {
	for i := range keys { found = subtle.ConstantTimeSelect(keys[i].check(), i, found) }
	return id
}
func release(s *sum) { clear(s.sum[:]) }`
	for source, want := range map[string]int{
		good: 0,
		"package webhook\nfunc find() { for i := range k { if k[i] { return } }; subtle.ConstantTimeSelect(1, 2, 3) }\nfunc release() { clear(s) }": 1,
		"package webhook\nfunc find() { for i := range k { _ = a && b }; subtle.ConstantTimeSelect(1, 2, 3) }\nfunc release() { clear(s) }":         1,
		"package webhook\nfunc find() { for range k {} }\nfunc release() { clear(s) }":                                                              1,
		"package webhook\nfunc find() { subtle.ConstantTimeSelect(1, 2, 3) }\nfunc release() { }":                                                   1,
		"package webhook\nfunc find() { subtle.ConstantTimeSelect(1, 2, 3) }":                                                                       1,
		good + "\nfunc other() bool { return bytes.Equal(a, b) }":                                                                                   1,
	} {
		tree, err := load(fstest.MapFS{"webhook/keyring.go": {Data: []byte(source)}, "assessment/doc.go": {Data: []byte("package assessment")}})
		require.NoError(t, err)
		require.Len(t, secretsInConstantTime(tree), want, source)
	}
}
