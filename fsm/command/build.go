package command

import "strings"

// arguments makes arguments of a folded row of a usage line.
func arguments(row []node) []*Argument {
	var args []*Argument
	for len(row) > 0 {
		a, used := argument(row)
		args = append(args, a)
		row = row[used:]
	}
	return args
}

// argument makes one argument of the beginning of a row, and says how many nodes it used.
func argument(row []node) (a *Argument, used int) {
	n := row[0]
	if !n.isToken() {
		return n.argument(), 1
	}
	token := n.text
	if token == `""` {
		token = ""
	}
	operands := 0
	for operands+1 < len(row) && !n.multiple && row[operands+1].isOperand() {
		operands++
	}
	switch {
	case operands == 1:
		a = row[1].argument()
	case operands > 1:
		a = block(arguments(row[1 : 1+operands]))
		a.Name = blockName(a.Args, token)
	case len(row) > 1 && row[1].open == '<' && !n.multiple:
		operands = 1
		a = row[1].argument()
	default:
		a = &Argument{Name: tokenName(n.text), Type: PureToken, KeySpec: -1, Multiple: n.multiple}
	}
	if operands > 0 && a.HasToken() {
		a = &Argument{Name: a.Name, Type: Block, KeySpec: -1, Args: []*Argument{a}}
	}
	a.Token = token
	if n.label != "" {
		a.Name = n.label
	}
	return a, 1 + operands
}

// isOperand reports whether a token right before the node announces it.
func (n node) isOperand() bool {
	switch n.open {
	case 0:
		return !n.isToken()
	case '*':
		return n.alts[0][0].open == 0 && !n.alts[0][0].isToken()
	}
	return false
}

// argument makes an argument of a node that is no token.
func (n node) argument() *Argument {
	var a *Argument
	switch {
	case n.open == 0:
		a = &Argument{Name: n.text, Type: n.typ, Display: n.text, KeySpec: -1}
		if a.Type == "" {
			a.Type = typeOf(n.text)
		}
	case len(n.alts) == 1:
		a = single(arguments(n.alts[0]))
	default:
		a = &Argument{Type: OneOf, KeySpec: -1}
		for _, row := range n.alts {
			a.Args = append(a.Args, single(arguments(row)))
		}
		a.Name = choiceName(writtenAll(n.alts), a.Args)
	}
	if n.label != "" {
		a.Name = n.label
	}
	if n.open == '[' {
		a.Optional = true
	}
	if n.multiple {
		a.Multiple = true
		a.MultipleToken = n.open == '*' && a.Token != ""
	}
	return a
}

// single is an only argument, or a block of several.
func single(args []*Argument) *Argument {
	if len(args) == 1 {
		return args[0]
	}
	return block(args)
}

// block makes one argument of several in a row.
func block(args []*Argument) *Argument {
	return &Argument{Name: blockName(args, ""), Type: Block, KeySpec: -1, Args: args}
}

// joinNames joins the names of arguments that have to be there.
func joinNames(args []*Argument) string {
	var names []string
	for _, a := range args {
		if !a.Optional {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return args[0].Name
	}
	return strings.Join(names, "_")
}
