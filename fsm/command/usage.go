package command

// usage is a usage line, understood.
type usage struct {
	args   []*Argument
	syntax string // the line without annotations, evenly spaced
}

// parseUsage reads a usage line, in the notation of the package comment.
func parseUsage(line string) (usage, error) {
	s := scanner{line: line}
	alts, _, err := s.sequence(0, 0)
	if err != nil {
		return usage{}, err
	}
	row := alts[0]
	u := usage{syntax: written(row)}
	whole := node{alts: alts}
	if err := whole.fold(); err != nil {
		return usage{}, err
	}
	u.args = arguments(whole.alts[0])
	return u, nil
}

// fold takes the repeat groups out of a group and out of everything in it, and marks what they
// repeat.
func (n *node) fold() error {
	choice := n.choice()
	for i, row := range n.alts {
		var out []node
		for j, r := range row {
			if !r.repeat {
				if err := r.fold(); err != nil {
					return err
				}
				out = append(out, r)
				continue
			}
			again := writtenAll(r.alts)
			k := len(out) - 1
			switch {
			case len(r.alts) == 1 && endsWith(out, again, len(r.alts[0])):
				out = repeated(out, len(r.alts[0]))
			case k >= 0 && out[k].written == "<"+again+">" && !out[k].multiple:
				out[k].multiple = true
			case again == choice && n.open != 0 && i == len(n.alts)-1 && j == len(row)-1:
				n.multiple = true
			default:
				return &usageError{r.at, r.written + " does not repeat what stands before it"}
			}
		}
		n.alts[i] = out
	}
	return nil
}

// choice is the text of a group's alternatives without a repeat group at the very end: what
// that would have to say in order to repeat them all.
func (n *node) choice() string {
	if len(n.alts) == 0 {
		return ""
	}
	alts := append([][]node(nil), n.alts...)
	last := len(alts) - 1
	if end := len(alts[last]) - 1; end > 0 && alts[last][end].repeat {
		alts[last] = alts[last][:end]
	}
	return writtenAll(alts)
}

// endsWith reports whether the last k nodes of a row read as text, and repeat nothing yet.
func endsWith(row []node, text string, k int) bool {
	if k > len(row) {
		return false
	}
	end := row[len(row)-k:]
	for _, n := range end {
		if n.multiple {
			return false
		}
	}
	return written(end) == text
}

// repeated marks the last k nodes of a row as repeated, making one node of several. A token
// that begins them is repeated with what it announces.
func repeated(row []node, k int) []node {
	at := len(row) - k
	if k == 1 {
		row[at].multiple = true
		return row
	}
	run := node{open: '*', alts: [][]node{append([]node(nil), row[at:]...)}, multiple: true}
	run.at, run.written = row[at].at, written(row[at:])
	return append(row[:at], run)
}
