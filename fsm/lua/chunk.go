package lua

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// compile makes a function of a source, which errors call by a name.
func compile(source, name string) (*lua.FunctionProto, error) {
	if len(source) > sourceMost {
		return nil, fmt.Errorf("%s: chunk is longer than %d bytes", name, sourceMost)
	}
	statements, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		return nil, syntaxError(err, name)
	}
	var w walk
	w.block(statements)
	if w.tooDeep {
		return nil, fmt.Errorf("%s: chunk has too many syntax levels", name)
	}
	chunk, err := lua.Compile(statements, name)
	if err != nil {
		return nil, syntaxError(err, name)
	}
	return chunk, nil
}

// syntaxError is an error of the compiler's in Lua's form.
func syntaxError(err error, name string) error {
	var syntax *parse.Error
	var code *lua.CompileError
	switch {
	case errors.As(err, &syntax) && syntax.Pos.Line == parse.EOF:
		return fmt.Errorf("%s: %s near '<eof>'", name, syntax.Message)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s:%d: %s near '%s'", name, syntax.Pos.Line, syntax.Message, syntax.Token)
	case errors.As(err, &code):
		return fmt.Errorf("%s:%d: %s", name, code.Line, code.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// chunkName is how errors call the source of a name: what is behind = or @, or the source itself.
func chunkName(name string) string {
	const most = 60
	if name != "" && (name[0] == '=' || name[0] == '@') {
		return name[1:]
	}
	line, _, more := strings.Cut(name, "\n")
	const frame = len(`[string "..."]`) + 1
	if len(line) > most-frame {
		line, more = line[:most-frame], true
	}
	if more {
		line += "..."
	}
	return `[string "` + line + `"]`
}

// levels is how deeply a chunk may be nested: the compiler calls itself for each level.
const levels = 1000

// walk goes through the syntax tree before it is compiled. It finds out how deep the tree is, and rewrites numbers
// whose digits mean something else to the compiler than to Lua (010 is ten).
type walk struct {
	depth   int
	tooDeep bool
}

// enter goes down a level. With false the tree is too deep already.
func (w *walk) enter() bool {
	w.depth++
	w.tooDeep = w.tooDeep || w.depth > levels
	return !w.tooDeep
}

func (w *walk) block(list []ast.Stmt) {
	if w.enter() {
		for _, s := range list {
			w.statement(s)
		}
	}
	w.depth--
}

func (w *walk) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		w.expressions(s.Lhs)
		w.expressions(s.Rhs)
	case *ast.LocalAssignStmt:
		w.expressions(s.Exprs)
	case *ast.FuncCallStmt:
		w.expression(s.Expr)
	case *ast.DoBlockStmt:
		w.block(s.Stmts)
	case *ast.WhileStmt:
		w.expression(s.Condition)
		w.block(s.Stmts)
	case *ast.RepeatStmt:
		w.expression(s.Condition)
		w.block(s.Stmts)
	case *ast.IfStmt:
		w.expression(s.Condition)
		w.block(s.Then)
		w.block(s.Else)
	case *ast.NumberForStmt:
		w.expressions([]ast.Expr{s.Init, s.Limit, s.Step})
		w.block(s.Stmts)
	case *ast.GenericForStmt:
		w.expressions(s.Exprs)
		w.block(s.Stmts)
	case *ast.FuncDefStmt:
		w.expressions([]ast.Expr{s.Name.Func, s.Name.Receiver})
		w.block(s.Func.Stmts)
	case *ast.ReturnStmt:
		w.expressions(s.Exprs)
	}
}

func (w *walk) expressions(list []ast.Expr) {
	for _, e := range list {
		w.expression(e)
	}
}

func (w *walk) expression(e ast.Expr) {
	if w.enter() {
		w.parts(e)
	}
	w.depth--
}

func (w *walk) parts(e ast.Expr) {
	switch e := e.(type) {
	case *ast.NumberExpr:
		if f, ok := parseNumber(e.Value); ok {
			e.Value = strconv.FormatFloat(f, 'g', -1, 64)
		}
	case *ast.AttrGetExpr:
		w.expressions([]ast.Expr{e.Object, e.Key})
	case *ast.TableExpr:
		for _, f := range e.Fields {
			w.expressions([]ast.Expr{f.Key, f.Value})
		}
	case *ast.FuncCallExpr:
		w.expressions([]ast.Expr{e.Func, e.Receiver})
		w.expressions(e.Args)
	case *ast.LogicalOpExpr:
		w.expressions([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.RelationalOpExpr:
		w.expressions([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.StringConcatOpExpr:
		w.expressions([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.ArithmeticOpExpr:
		w.expressions([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.UnaryMinusOpExpr:
		w.expression(e.Expr)
	case *ast.UnaryNotOpExpr:
		w.expression(e.Expr)
	case *ast.UnaryLenOpExpr:
		w.expression(e.Expr)
	case *ast.FunctionExpr:
		w.block(e.Stmts)
	}
}
