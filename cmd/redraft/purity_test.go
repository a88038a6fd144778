package main

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDeterministic holds what makes the machine a function of its log: no clock, no chance, no
// world outside, no concurrency, no order of a map.
func TestDeterministic(t *testing.T) {
	// Readers keep a figure of this node's own in the cells they read: it shows in nothing that is replicated.
	words := filepath.Join("fsm", "arena", "word.go")
	// Scripts are counted and measured the same everywhere, for which gopher-lua lets too little be seen from outside.
	insight := []string{filepath.Join("fsm", "lua", "layout.go"), filepath.Join("fsm", "lua", "live.go")}
	banned := []string{"os", "log", "net", "math/rand", "crypto/rand", "runtime", "syscall", "unsafe"}
	for _, p := range listPackages(t) {
		name := p.name()
		if name != "snapshot" && name != "fsm" && !strings.HasPrefix(name, "fsm/") {
			continue
		}
		maps := map[string]bool{}
		files := parsePackage(t, p)
		for _, f := range files {
			collectMaps(f.syntax, maps)
		}
		for _, f := range files {
			for _, spec := range f.syntax.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				if f.name == words && (path == "unsafe" || path == "sync/atomic") || path == "unsafe" && slices.Contains(insight, f.name) {
					continue
				}
				for _, b := range banned {
					if path == b || strings.HasPrefix(path, b+"/") {
						t.Errorf("%s imports %s", f.name, path)
					}
				}
				locks := path == "sync" || strings.HasPrefix(path, "sync/")
				if locks && name != "snapshot" && f.name != filepath.Join("fsm", "machine.go") {
					t.Errorf("%s imports %s: fsm's one lock is in machine.go", f.name, path)
				}
			}
			f.inspectDeterminism(t, maps)
		}
	}
}

func (f *goFile) inspectDeterminism(t *testing.T, maps map[string]bool) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a goroutine", f.at(n))
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" &&
				slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick"}, n.Sel.Name) {
				t.Errorf("%s: time.%s", f.at(n), n.Sel.Name)
			}
		case *ast.RangeStmt:
			if name := lastName(n.X); maps[name] {
				t.Errorf("%s: ranges over %s, which is a map", f.at(n), name)
			}
		}
		return true
	})
}

// collectMaps notes the names that a file gives to maps: variables, parameters and fields. Names
// that are maps here and something else there are judged as maps.
func collectMaps(f *ast.File, maps map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if _, ok := n.Type.(*ast.MapType); ok {
				for _, name := range n.Names {
					maps[name.Name] = true
				}
			}
		case *ast.ValueSpec:
			_, ok := n.Type.(*ast.MapType)
			for i, name := range n.Names {
				if ok || i < len(n.Values) && makesMap(n.Values[i]) {
					maps[name.Name] = true
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if name := lastName(left); name != "" && i < len(n.Rhs) && makesMap(n.Rhs[i]) {
					maps[name] = true
				}
			}
		}
		return true
	})
}

// makesMap reports whether an expression is a map by its look.
func makesMap(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		_, ok := e.Type.(*ast.MapType)
		return ok
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); ok && f.Name == "make" && len(e.Args) > 0 {
			_, ok := e.Args[0].(*ast.MapType)
			return ok
		}
	}
	return false
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// TestNoHiddenState holds that nothing happens by importing a package, and that no package-level
// variable changes: tables and sentinels are all there is.
func TestNoHiddenState(t *testing.T) {
	for _, p := range listPackages(t) {
		vars := map[string]bool{}
		files := parsePackage(t, p)
		for _, f := range files {
			for _, d := range f.syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: init", f.at(fn))
				}
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, s := range g.Specs {
						for _, name := range s.(*ast.ValueSpec).Names {
							vars[name.Name] = name.Name != "_"
						}
					}
				}
			}
		}
		for _, f := range files {
			f.changed(func(e ast.Expr) {
				if name := rootName(e); vars[name] {
					t.Errorf("%s: changes the package-level variable %s", f.at(e), name)
				}
			})
		}
	}
}

// changed calls report with everything that a file's functions assign to or take the address of.
func (f *goFile) changed(report func(ast.Expr)) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if n.Tok != token.DEFINE {
					report(left)
				}
			}
		case *ast.IncDecStmt:
			report(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				report(n.X)
			}
		}
		return true
	})
}

// rootName is the name of the variable that an expression is or is a part of.
func rootName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return rootName(e.X)
	case *ast.SelectorExpr:
		return rootName(e.X)
	case *ast.StarExpr:
		return rootName(e.X)
	}
	return ""
}
