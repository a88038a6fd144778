package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/redraftdb/redraft/server"
)

// secretVariable is the environment variable that may hold the cluster secret.
const secretVariable = "REDRAFT_CLUSTER_SECRET"

// options is what a command line comes to.
type options struct {
	config *server.Config
	file   string // the configuration file, absolute; empty for none
	secret []byte
	pprof  string // address; empty for none
	places places

	help, version, check bool
}

// setting is the flag of a parameter. What it is given is kept until the file has been read, so
// that flags win over the file.
type setting struct {
	*server.Parameter
	given []string
}

// String is the default, for help.
func (s *setting) String() string { return s.Default }

// Type is what help calls the value.
func (s *setting) Type() string { return s.Usage }

// Set takes a value, or refuses it in the words of CONFIG SET.
func (s *setting) Set(value string) error {
	if _, err := s.Check(value); err != nil {
		return err
	}
	s.given = append(s.given, value)
	return nil
}

// value is what the flag was given: the last value, or all of them if lines of a file add up.
func (s *setting) value() string {
	if s.Lines {
		return strings.TrimSpace(strings.Join(s.given, " "))
	}
	return s.given[len(s.given)-1]
}

// newFlags are the flags of a node: one for each name of each parameter, and the few that are no
// parameters.
func newFlags(o *options) (flags *pflag.FlagSet, settings []*setting, secretFile *string) {
	flags = pflag.NewFlagSet("redraft", pflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(io.Discard)
	flags.BoolVarP(&o.help, "help", "h", false, "say how to use it")
	flags.BoolVarP(&o.version, "version", "v", false, "say which version it is")
	flags.BoolVar(&o.check, "check-config", false, "read file and flags, say whether they are right, and end")
	flags.StringVar(&o.pprof, "pprof", "", "serve net/http/pprof at this `address`, and nowhere else")
	secretFile = flags.String("cluster-secret-file", "",
		"`file` with the cluster secret; without it and --cluster-secret, "+secretVariable+" is read")
	for _, p := range o.config.Parameters() {
		s := &setting{Parameter: p}
		settings = append(settings, s)
		for _, name := range slices.Concat([]string{p.Name}, p.Aliases) {
			flags.Var(s, name, p.Help)
		}
	}
	return flags, settings, secretFile
}

// parseArgs reads a node's command line, and the file and the secret that it names.
func parseArgs(args []string, getenv func(string) string) (*options, error) {
	o := &options{config: server.NewConfig()}
	flags, settings, secretFile := newFlags(o)
	if err := flags.Parse(joinWords(args, o.config)); err != nil {
		return nil, fmt.Errorf("%w; `redraft --help` lists the flags", err)
	}
	if o.help || o.version {
		return o, nil
	}
	if flags.NArg() > 1 {
		return nil, fmt.Errorf("one configuration file at most, in front of the flags: what is %q?", flags.Arg(1))
	}
	if flags.NArg() == 1 {
		if err := o.load(flags.Arg(0)); err != nil {
			return nil, err
		}
	}
	for _, s := range settings {
		if len(s.given) == 0 {
			continue
		}
		if err := o.config.Set(s.Name, s.value()); err != nil {
			return nil, err
		}
	}
	if err := o.config.FitTimeouts(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.config.Get("dir"))
	if err != nil {
		return nil, err
	}
	if err := o.config.Set("dir", dir); err != nil {
		return nil, err
	}
	return o, o.readSecret(*secretFile, getenv)
}

// load reads the configuration file.
func (o *options) load(path string) error {
	err := o.config.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is neither a file nor a subcommand %s; `redraft help` lists the latter", path)
	case errors.Is(err, server.ErrUnknownParameter):
		return fmt.Errorf("%w; `redraft --help` lists the directives, without the dashes", err)
	case err != nil:
		return err
	}
	o.file, err = filepath.Abs(path)
	return err
}

// readSecret finds the cluster secret. The parameter is emptied, so that CONFIG GET does not tell.
func (o *options) readSecret(file string, getenv func(string) string) error {
	given := o.config.Get("cluster-secret")
	switch {
	case given != "" && file != "":
		return errors.New("--cluster-secret and --cluster-secret-file are both given: keep one of them")
	case given != "":
		o.secret = []byte(given)
		return o.config.Set("cluster-secret", "")
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("cluster secret: %w%s", err, advice(err, "--cluster-secret-file"))
		}
		if o.secret = bytes.TrimSpace(b); len(o.secret) == 0 {
			return fmt.Errorf("cluster secret: %s is empty: put a secret into it, the same on all nodes", file)
		}
		return nil
	}
	o.secret = []byte(getenv(secretVariable))
	return nil
}

// joinWords makes one word of each flag and its value, as redis-server reads a command line: all
// words up to the next flag belong to one that a file may give several of (`--save 900 1`,
// `--replicaof host port`), and one for yes or no may stand alone.
func joinWords(args []string, c *server.Config) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		name, dashed := strings.CutPrefix(args[i], "--")
		if dashed && name == "" {
			return append(out, args[i:]...)
		}
		p, known := c.Lookup(name)
		if !dashed || !known {
			out = append(out, args[i])
			continue
		}
		words := valueWords(p, name, args[i+1:])
		switch {
		case len(words) > 0:
			out = append(out, args[i]+"="+strings.Join(words, " "))
		case p.Kind == server.Bool:
			out = append(out, args[i]+"=yes")
		default:
			out = append(out, args[i])
		}
		i += len(words)
	}
	return out
}

// valueWords are the words behind a flag that are its value.
func valueWords(p *server.Parameter, name string, rest []string) []string {
	most := 1
	if p.Lines || p.Phrase && slices.Contains(p.Aliases, strings.ToLower(name)) {
		most = len(rest)
	}
	n := 0
	for n < most && n < len(rest) {
		another := strings.HasPrefix(rest[n], "--")
		if another && (most > 1 || p.Kind == server.Bool) {
			break
		}
		n++
	}
	return rest[:n]
}
