package server

import (
	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/reply"
)

// writeSpec writes what COMMAND INFO says of a command.
func writeSpec(out reply.Sink, spec *command.Spec) {
	out.Array(10)
	out.Text(spec.FullName())
	out.Int(int64(spec.Arity()))
	writeWords(out, spec.FlagWords())
	out.Int(int64(spec.FirstKey()))
	out.Int(int64(spec.LastKey()))
	out.Int(int64(spec.Step()))
	categories := spec.AllCategories().Words()
	out.Set(len(categories))
	for _, c := range categories {
		out.Status("@" + c)
	}
	out.Set(len(spec.Tips))
	for _, tip := range spec.Tips {
		out.Text(tip)
	}
	out.Set(len(spec.Keys))
	for i := range spec.Keys {
		writeKeySpec(out, &spec.Keys[i])
	}
	if !spec.Container() {
		out.Set(0)
		return
	}
	out.Array(len(spec.Sub))
	for _, sub := range spec.Sub {
		writeSpec(out, sub)
	}
}

func writeWords(out reply.Sink, words []string) {
	out.Set(len(words))
	for _, w := range words {
		out.Status(w)
	}
}

func writeKeySpec(out reply.Sink, k *command.KeySpec) {
	if k.Notes != "" {
		out.Map(4)
		out.Text("notes")
		out.Text(k.Notes)
	} else {
		out.Map(3)
	}
	out.Text("flags")
	writeWords(out, k.Flags.Words())
	out.Text("begin_search")
	writeBegin(out, &k.Begin)
	out.Text("find_keys")
	writeFind(out, &k.Find)
}

func writeBegin(out reply.Sink, b *command.BeginSearch) {
	out.Map(2)
	out.Text("type")
	out.Text(b.Kind.String())
	out.Text("spec")
	switch b.Kind {
	case command.BeginIndex:
		writeNumbers(out, number{"index", b.Index})
	case command.BeginKeyword:
		out.Map(2)
		out.Text("keyword")
		out.Text(b.Keyword)
		out.Text("startfrom")
		out.Int(int64(b.From))
	default:
		out.Map(0)
	}
}

func writeFind(out reply.Sink, f *command.FindKeys) {
	out.Map(2)
	out.Text("type")
	out.Text(f.Kind.String())
	out.Text("spec")
	switch f.Kind {
	case command.FindRange:
		writeNumbers(out, number{"lastkey", f.Last}, number{"keystep", f.Step}, number{"limit", f.Limit})
	case command.FindKeyNum:
		writeNumbers(out, number{"keynumidx", f.NumIndex}, number{"firstkey", f.First}, number{"keystep", f.Step})
	default:
		out.Map(0)
	}
}

type number struct {
	name  string
	value int
}

func writeNumbers(out reply.Sink, numbers ...number) {
	out.Map(len(numbers))
	for _, n := range numbers {
		out.Text(n.name)
		out.Int(int64(n.value))
	}
}

// docsField is one pair of a map in COMMAND DOCS; write is left out when there is nothing to say.
type docsField struct {
	name  string
	write func()
}

func writeFields(out reply.Sink, fields []docsField) {
	out.Map(len(fields))
	for _, f := range fields {
		out.Text(f.name)
		f.write()
	}
}

// textField appends a field that is a text, unless it is empty.
func textField(fields []docsField, out reply.Sink, name, text string) []docsField {
	if text == "" {
		return fields
	}
	return append(fields, docsField{name, func() { out.Text(text) }})
}

// writeDocs writes what COMMAND DOCS says of a command.
func writeDocs(out reply.Sink, spec *command.Spec) {
	var fields []docsField
	fields = textField(fields, out, "summary", spec.Summary)
	fields = textField(fields, out, "since", spec.Since)
	fields = textField(fields, out, "group", spec.Group)
	fields = textField(fields, out, "complexity", spec.Complexity)
	if words := spec.DocFlagWords(); len(words) > 0 {
		fields = append(fields, docsField{"doc_flags", func() { writeWords(out, words) }})
	}
	fields = textField(fields, out, "deprecated_since", spec.Deprecated)
	fields = textField(fields, out, "replaced_by", spec.ReplacedBy)
	if args := spec.Arguments(); len(args) > 0 {
		fields = append(fields, docsField{"arguments", func() { writeArguments(out, args) }})
	}
	if spec.Container() {
		fields = append(fields, docsField{"subcommands", func() {
			out.Map(len(spec.Sub))
			for _, sub := range spec.Sub {
				out.Text(sub.FullName())
				writeDocs(out, sub)
			}
		}})
	}
	writeFields(out, fields)
}

func writeArguments(out reply.Sink, args []*command.Argument) {
	out.Array(len(args))
	for _, a := range args {
		writeArgument(out, a)
	}
}

func writeArgument(out reply.Sink, a *command.Argument) {
	fields := textField(nil, out, "name", a.Name)
	fields = textField(fields, out, "type", string(a.Type))
	if a.KeySpec >= 0 {
		fields = append(fields, docsField{"key_spec_index", func() { out.Int(int64(a.KeySpec)) }})
	}
	if a.HasToken() {
		fields = append(fields, docsField{"token", func() { out.Text(a.Token) }})
	}
	if words := a.FlagWords(); len(words) > 0 {
		fields = append(fields, docsField{"flags", func() { writeWords(out, words) }})
	}
	if len(a.Args) > 0 {
		fields = append(fields, docsField{"arguments", func() { writeArguments(out, a.Args) }})
	}
	writeFields(out, fields)
}
