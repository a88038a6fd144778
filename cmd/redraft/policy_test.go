package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	repository = "../.."
	module     = "github.com/redraftdb/redraft/"

	linesMost    = 700 // of a file
	functionMost = 80  // lines of a function
)

// goPackage is what `go list -json` says of a package, as far as it matters here.
type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// name is the package's path inside the module.
func (p *goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// listPackages lists the packages of the module, as `go build` sees them.
func listPackages(t *testing.T) []*goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = repository
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []*goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(goPackage)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// ours says which packages of the module a package may import. "fsm/*" is everything below fsm.
func ours() map[string][]string {
	return map[string][]string{
		"fsm/command":               nil,
		"fsm/reply":                 nil,
		"fsm/arena":                 nil,
		"fsm/geo":                   nil,
		"fsm/hll":                   nil,
		"fsm/glob":                  nil,
		"fsm/acl":                   {"fsm/command", "fsm/glob"},
		"fsm/transcript":            nil,
		"fsm/table":                 {"fsm/arena"},
		"snapshot":                  nil,
		"fsm/value":                 {"fsm/table", "fsm/arena", "snapshot"},
		"fsm/lua":                   {"fsm/reply"},
		"fsm":                       {"fsm/*", "snapshot"},
		"cluster":                   nil,
		"server/identity/authority": nil,
		"server/identity":           nil,
		"server/socket":             nil,
		"server":                    {"fsm", "fsm/command", "fsm/reply", "fsm/glob", "fsm/acl", "server/identity", "server/socket"},
		"server/psync":              {"fsm", "snapshot"},
		"server/sentinel": {
			"fsm/command", "fsm/reply",
		},
		"cmd/redraft": {"fsm", "fsm/*", "snapshot", "cluster", "server", "server/*"},
	}
}

// importers says which one package may import a module.
func importers() map[string]string {
	return map[string]string{
		"github.com/tidwall/redcon":           "server",
		"github.com/hashicorp/raft":           "cluster",
		"github.com/hashicorp/raft-wal":       "cluster",
		"github.com/hashicorp/raft-boltdb/v2": "cluster",
		"go.etcd.io/bbolt":                    "cluster",
		"github.com/spf13/pflag":              "cmd/redraft",
		"github.com/yuin/gopher-lua":          "fsm/lua",
	}
}

// TestImports holds the one way that imports go.
func TestImports(t *testing.T) {
	allowed := ours()
	for _, p := range listPackages(t) {
		may, known := allowed[p.name()]
		if !known {
			t.Errorf("%s: a package that docs/architecture.md has no place for", p.name())
		}
		for _, path := range p.Imports {
			if to, own := strings.CutPrefix(path, module); own {
				if !matches(may, to) || to == "fsm/transcript" || to == "server/identity/authority" {
					t.Errorf("%s may not import %s", p.name(), to)
				}
				continue
			}
			for prefix, only := range importers() {
				if (path == prefix || strings.HasPrefix(path, prefix+"/")) && p.name() != only {
					t.Errorf("%s imports %s, which only %s may", p.name(), path, only)
				}
			}
		}
	}
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		below, wild := strings.CutSuffix(pattern, "*")
		return pattern == name || wild && strings.HasPrefix(name, below)
	})
}

// goFile is a parsed source file.
type goFile struct {
	name   string // inside the repository
	set    *token.FileSet
	syntax *ast.File
}

func (f *goFile) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(f.set.Position(n.Pos()).Line)
}

func parsePackage(t *testing.T, p *goPackage) []*goFile {
	t.Helper()
	var files []*goFile
	for _, name := range p.GoFiles {
		files = append(files, parseFile(t, filepath.Join(p.Dir, name), filepath.Join(p.name(), name)))
	}
	return files
}

func parseFile(t *testing.T, path, name string) *goFile {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &goFile{name, set, syntax}
}

// TestDocumented holds that every package and every exported name says what it is.
func TestDocumented(t *testing.T) {
	for _, p := range listPackages(t) {
		files := parsePackage(t, p)
		about, promised := false, map[string]bool{"Error": true, "Unwrap": true}
		for _, f := range files {
			about = about || f.syntax.Doc != nil
			collectPromises(f.syntax, promised)
		}
		if !about {
			t.Errorf("%s has no package comment", p.name())
		}
		if p.name() == "cmd/redraft" {
			continue // nobody imports it
		}
		for _, f := range files {
			f.undocumented(func(n ast.Node, name string) { t.Errorf("%s: %s has no comment", f.at(n), name) }, promised)
		}
	}
}

// collectPromises notes the methods that the package's interfaces ask for, and describe.
func collectPromises(f *ast.File, promised map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if i, ok := n.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				for _, name := range m.Names {
					promised[name.Name] = true
				}
			}
		}
		return true
	})
}

func (f *goFile) undocumented(report func(n ast.Node, name string), promised map[string]bool) {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && !(d.Recv != nil && (promised[d.Name.Name] || !exportedReceiver(d))) {
				report(d, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
						report(s, s.Name.Name)
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
						report(s, s.Names[0].Name)
					}
				}
			}
		}
	}
}

// exportedReceiver reports whether a method belongs to a type that other packages can name.
func exportedReceiver(d *ast.FuncDecl) bool {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestSizes holds the walls: lines of a file, lines of a function.
func TestSizes(t *testing.T) {
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		name, _ := filepath.Rel(repository, path)
		f := parseFile(t, path, name)
		if n := f.set.Position(f.syntax.FileEnd).Line; n > linesMost+1 {
			t.Errorf("%s has %d lines: %d is the wall", name, n, linesMost)
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1; n > functionMost {
				t.Errorf("%s: %s has %d lines: %d is the wall", f.at(fn), fn.Name.Name, n, functionMost)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTopLevel holds what lies at the top of the repository; what `make` puts there is in
// .gitignore.
func TestTopLevel(t *testing.T) {
	want := []string{"cmd", "fsm", "server", "snapshot", "cluster", "docs", "go.mod", "go.sum", "Makefile",
		"README.md", "LICENSE", "Dockerfile", "docker-compose.yml"}
	made := map[string]bool{}
	ignore, err := os.Open(filepath.Join(repository, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer ignore.Close()
	for in := bufio.NewScanner(ignore); in.Scan(); {
		made[strings.Trim(in.Text(), "/")] = true
	}
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !made[name] {
			have = append(have, name)
			if !slices.Contains(want, name) {
				t.Errorf("%s does not belong at the top of the repository", name)
			}
		}
	}
	for _, name := range want {
		if !slices.Contains(have, name) {
			t.Errorf("%s is missing at the top of the repository", name)
		}
	}
}
