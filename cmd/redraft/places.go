package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redraftdb/redraft/server"
)

// clusterPortOffset is how far the port for nodes is from the port for clients, as in Redis Cluster.
const clusterPortOffset = 10000

// places are a node's addresses, host:port.
type places struct {
	listen    string // where it listens for other nodes
	advertise string // the same as others reach it
	client    string // where clients reach it
}

// findPlaces derives the addresses from the configuration. The port for nodes is bound to the
// first address of bind; unless only this machine can reach that, there has to be a secret, or
// certificates.
func findPlaces(o *options) (places, error) {
	c := o.config
	port, nodePort := server.AnnouncedPort(c), c.Int("raft-port")
	if nodePort == 0 {
		nodePort = cmp.Or(c.Int("port"), port) + clusterPortOffset
	}
	switch {
	case port == 0 && c.Int("raft-port") == 0:
		return places{}, errors.New("port and tls-port are 0, so --raft-port has to say which port is for the other nodes")
	case nodePort > 65535:
		return places{}, fmt.Errorf("there is no port %d (port + %d) for the other nodes: choose one with --raft-port",
			nodePort, clusterPortOffset)
	}
	host := firstHost(c.Get("bind"))
	if !isLoopback(host) && len(o.secret) == 0 && !c.Bool("tls-cluster") {
		return places{}, fmt.Errorf("other machines could reach this node's cluster port: give all nodes the same "+
			"--cluster-secret (or --cluster-secret-file, or %s), or certificates and --tls-cluster, or --bind 127.0.0.1", secretVariable)
	}
	known := c.Get("announce-host")
	switch {
	case known != "":
	case isWildcard(host):
		known = ownHost(c.Get("join"))
	default:
		known = host
	}
	at := func(host string, port int64) string { return net.JoinHostPort(host, strconv.FormatInt(port, 10)) }
	return places{listen: at(host, nodePort), advertise: at(known, nodePort), client: at(known, port)}, nil
}

// firstHost is the first of bind's addresses; empty for all there are.
func firstHost(bind string) string {
	addresses := strings.Fields(bind)
	if len(addresses) == 0 {
		return ""
	}
	switch host := strings.TrimPrefix(addresses[0], "-"); host {
	case "*":
		return ""
	case "::*":
		return "::"
	default:
		return host
	}
}

func isWildcard(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ownHost is this machine's address as the nodes to join would see it, or else its first one that
// others can reach. Nothing is sent.
func ownHost(join string) string {
	for _, target := range strings.Split(join, ",") {
		conn, err := net.Dial("udp", target)
		if err != nil {
			continue
		}
		addr := conn.LocalAddr()
		_ = conn.Close()
		if udp, ok := addr.(*net.UDPAddr); ok {
			return udp.IP.String()
		}
	}
	const loopback = "127.0.0.1"
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return loopback
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return loopback
}
