package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redraftdb/redraft/server/identity"
	"github.com/redraftdb/redraft/server/identity/authority"
)

// secureFlags are the flags of a node that speaks nothing but TLS, with a certificate of an authority that
// believes another's.
func secureFlags(of, believes *authority.Authority, name string) []string {
	cert, key := of.Issue(authority.Leaf{Name: name})
	return []string{"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", believes.File,
		"--tls-cluster", "yes", "--tls-replication", "yes", "--cluster-secret", "the same on all nodes"}
}

// newSecureNode is newNode with its port for clients in TLS. The test connects to it as config says.
func newSecureNode(t *testing.T, name string, config *tls.Config, args ...string) *process {
	t.Helper()
	p := newNode(t, name)
	p.tls = config
	p.args[slices.Index(p.args, "--port")] = "--tls-port"
	p.args = append(append(p.args, "--port", "0"), args...)
	return p
}

// secureClient is how a client connects that has a certificate of an authority and believes it.
func secureClient(t *testing.T, ca *authority.Authority) (config *tls.Config, cert, key string) {
	t.Helper()
	cert, key = ca.Issue(authority.Leaf{Name: "client"})
	i, err := identity.Load(identity.Options{Own: identity.Pair{Cert: cert, Key: key}, CAFile: ca.File})
	if err != nil {
		t.Fatal(err)
	}
	return i.Dialer("localhost"), cert, key
}

// TestTLSCluster: three nodes that speak nothing but TLS, to clients and to each other. Who has a certificate of
// somebody else's, or the secret alone, gets nowhere; renewed certificates come into force one node after the other;
// a node that leads may die.
func TestTLSCluster(t *testing.T) {
	need(t, "redis-cli")
	ca, other := authority.New(t), authority.New(t)
	config, cert, key := secureClient(t, ca)
	nodes := []*process{newSecureNode(t, "node1", config, secureFlags(ca, ca, "node1")...).start()}
	for _, name := range []string{"node2", "node3"} {
		more := append(secureFlags(ca, ca, name), "--join", nodes[0].addr)
		nodes = append(nodes, newSecureNode(t, name, config, more...).start())
	}
	for _, p := range nodes {
		p.ready()
	}
	awaitVoters(t, nodes[0], 3)
	nodes[1].must("SET", "key", "value")
	for _, p := range nodes {
		p.expect([]string{"key"}, []string{"value"})
	}

	toolsOverTLS(t, nodes[0], ca.File, cert, key)
	strangers(t, nodes, ca, other, config)
	renewed(t, nodes, ca, config)

	lead := leader(t, nodes)
	nodes[lead].kill()
	rest := []*process{nodes[(lead+1)%3], nodes[(lead+2)%3]}
	leader(t, rest)
	rest[0].must("SET", "key", "another")
	nodes[lead].start().ready().expect([]string{"key"}, []string{"another"})
	agree(t, nodes)
}

// toolsOverTLS has redis-cli and redraft ping connect, with a certificate and without.
func toolsOverTLS(t *testing.T, p *process, ca, cert, key string) {
	t.Helper()
	with := []string{"--tls", "--cacert", ca, "--cert", cert, "--key", key}
	out, errs, status := execute(t, nil, "redis-cli", append(with, "-p", p.port(), "GET", "key")...)
	if status != 0 || out != "value\n" {
		t.Errorf("redis-cli: %q %q %d", out, errs, status)
	}
	out, _, status = execute(t, nil, "redis-cli", "--tls", "--cacert", ca, "-p", p.port(), "GET", "key")
	if status == 0 && strings.Contains(out, "value") {
		t.Errorf("redis-cli without a certificate: %q", out)
	}
	out, _, _ = execute(t, nil, "redis-cli", "-p", p.port(), "GET", "key")
	if strings.Contains(out, "value") {
		t.Errorf("redis-cli without TLS: %q", out)
	}
	ping := append([]string{"ping", "--port", p.port()}, with...)
	if out, errs, status := execute(t, nil, program, ping...); status != 0 || out != "PONG\n" {
		t.Errorf("redraft ping: %q %q %d", out, errs, status)
	}
	for _, wrong := range [][]string{{"--tls"}, {"--tls", "--cacert", ca}, {"--cacert", ca}, {}} {
		if out, _, status := execute(t, nil, program, append([]string{"ping", "--port", p.port()}, wrong...)...); status == 0 {
			t.Errorf("redraft ping %q: %q", wrong, out)
		}
	}
}

// strangers tries to join with what is not enough.
func strangers(t *testing.T, nodes []*process, ca, other *authority.Authority, config *tls.Config) {
	t.Helper()
	plain := []string{"--cluster-secret", "the same on all nodes"}
	cert, key := other.Issue(authority.Leaf{Name: "impostor"})
	mixed := append(secureFlags(ca, ca, "mixed"), "--tls-client-cert-file", cert, "--tls-client-key-file", key)
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"foreign", "certificate", secureFlags(other, other, "foreign")},
		{"unbelieved", "certificate", secureFlags(other, ca, "unbelieved")},
		{"impostor", "certificate", mixed},
		{"secret-alone", "trying again", plain},
	} {
		args := append(c.args, "--join", nodes[0].addr)
		p := newSecureNode(t, c.name, config, args...)
		if c.name == "secret-alone" {
			p = newNode(t, c.name, args...)
		}
		p.start()
		eventually(t, c.name+" does not say what is wrong", func() error {
			if said := p.said(); !strings.Contains(said, "trying again") || !strings.Contains(said, c.says) {
				return fmt.Errorf("it says %s", said)
			}
			return nil
		})
		p.kill()
	}
	awaitVoters(t, nodes[0], 3)
	if members := nodes[0].must("RAFT", "MEMBERS").([]any); len(members) != 3 {
		t.Errorf("%d members", len(members))
	}
}

// renewed gives every node another certificate while it runs, and has the others connect to it anew.
func renewed(t *testing.T, nodes []*process, ca *authority.Authority, config *tls.Config) {
	t.Helper()
	serial := func(p *process) string {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	for _, p := range nodes {
		before := serial(p)
		cert, _ := ca.Issue(authority.Leaf{Name: p.name}) // in the place of the former
		p.must("CONFIG", "SET", "tls-cert-file", cert)
		if serial(p) == before {
			t.Errorf("%s shows the former certificate", p.name)
		}
		if _, err := p.ask("CONFIG", "SET", "tls-key-file", filepath.Join(t.TempDir(), "missing")); err == nil ||
			!strings.Contains(err.Error(), "Unable to update TLS configuration") {
			t.Errorf("a key that is not there: %v", err)
		}
	}
	nodes[0].must("SET", "renewed", "yes")
	for _, p := range nodes {
		p.expect([]string{"renewed"}, []string{"yes"})
	}
}

// TestTLSPortChanges: another port for clients is told to the cluster.
func TestTLSPortChanges(t *testing.T) {
	nodes := startCluster(t, 2)
	port := freePorts(t, 1)[0]
	nodes[1].must("CONFIG", "SET", "port", fmt.Sprint(port))
	former := nodes[1].addr
	nodes[1].addr = fmt.Sprintf("127.0.0.1:%d", port)
	shown := func(addr string) func() error {
		return func() error {
			if got := fmt.Sprint(nodes[0].must("RAFT", "MEMBERS")); !strings.Contains(got, addr) {
				return fmt.Errorf("the members are %s", got)
			}
			return nil
		}
	}
	eventually(t, "the new address", shown(nodes[1].addr))
	if c, err := connect(former); err == nil {
		c.close()
		t.Error("the former port still answers")
	}
	nodes[1].stop()
	nodes[1].addr = former
	nodes[1].start().ready()
	eventually(t, "the address of its flags", shown(former))
}

// TestTLSInsteadOfSecret: with certificates the cluster port may be where other machines reach it.
func TestTLSInsteadOfSecret(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "node"})
	files := []string{"--bind", "0.0.0.0", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca.File, "--check-config"}
	if out, errs, status := execute(t, nil, program, append(files, "--tls-cluster", "yes")...); status != 0 {
		t.Errorf("%s%s", out, errs)
	}
	refused(t, exec.Command(program, append(files, "--tls-cluster", "no")...), "--tls-cluster", "--cluster-secret")
}

// TestDevTLS: dev gives each node a port for TLS.
func TestDevTLS(t *testing.T) {
	ca := authority.New(t)
	cert, key := ca.Issue(authority.Leaf{Name: "dev"})
	dev, nodes := newDev(t, "--tls-port", fmt.Sprint(consecutivePorts(t, 3)), "--",
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	dev.start()
	for _, p := range nodes {
		p.done = dev.done
		p.ready()
		words := strings.Fields(fmt.Sprint(p.must("CONFIG", "GET", "tls-port")))
		port := strings.TrimRight(words[len(words)-1], "]")
		out, errs, status := execute(t, nil, program, "ping", "--tls", "--cacert", ca.File, "--port", port)
		if status != 0 {
			t.Errorf("%s at port %s: %q %q", p.name, port, out, errs)
		}
	}
	dev.stop()
}

// TestSecurityPage does what docs/security.md tells people to do.
func TestSecurityPage(t *testing.T) {
	need(t, "openssl", "redis-cli")
	page := readRepository(t, "docs/security.md")
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)```(sh|conf)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if len(blocks["sh"]) != 2 || len(blocks["conf"]) != 1 {
		t.Fatalf("docs/security.md has %d and %d blocks", len(blocks["sh"]), len(blocks["conf"]))
	}
	dir := t.TempDir()
	inDir := func(script string) string {
		out, errs, status := execute(t, nil, "/bin/sh", "-ec", "cd "+dir+"\n"+script)
		if status != 0 {
			t.Fatalf("%s\n%s%s", script, out, errs)
		}
		return out
	}
	inDir(blocks["sh"][0])
	var nodes []*process
	for i := range 3 {
		name := fmt.Sprintf("node%d", i+1)
		p := newNode(t, name)
		conf := strings.NewReplacer("node1", name, " ca.crt", " "+filepath.Join(dir, "ca.crt"), "6379", p.port()).Replace(blocks["conf"][0])
		conf = strings.ReplaceAll(conf, " "+name, " "+filepath.Join(dir, name))
		ports := p.args[slices.Index(p.args, "--raft-port"):]
		p.args = append([]string{writeFile(t, name+".conf", conf)}, ports...)
		who, err := identity.Load(identity.Options{CAFile: filepath.Join(dir, "ca.crt"),
			Own: identity.Pair{Cert: filepath.Join(dir, "client.crt"), Key: filepath.Join(dir, "client.key")}})
		if err != nil {
			t.Fatal(err)
		}
		p.tls = who.Dialer("localhost")
		if i > 0 {
			p.args = append(p.args, "--join", nodes[0].addr)
		}
		nodes = append(nodes, p.start().ready())
	}
	awaitVoters(t, nodes[0], 3)
	script := strings.NewReplacer("6379", nodes[2].port(), "redraft ", program+" ").Replace(blocks["sh"][1])
	if got := inDir(script); got != "PONG\nPONG\n" {
		t.Errorf("answered %q", got)
	}
	nodes[0].must("CONFIG", "SET", "tls-cert-file", filepath.Join(dir, "node1.crt"))
}
