package server

import (
	"fmt"
	"strconv"
	"syscall"
)

// reservedFiles is how many of a process' open files are kept for other things than clients: the log, snapshots,
// and the connections of the cluster.
const reservedFiles = 96

// mostClients is how many clients the limit on open files leaves room for. The runtime has raised the limit to
// the highest that this process may have.
func mostClients() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > anyInt {
		return anyInt
	}
	return max(1, int64(limit.Cur)-reservedFiles)
}

// fitMaxclients lowers maxclients to what is possible, as Redis does at its start.
func (s *Server) fitMaxclients() {
	if wanted, most := s.config.Int("maxclients"), mostClients(); wanted > most {
		s.log.Warn("maxclients was lowered: the limit on open files leaves room for no more", "wanted", wanted, "maxclients", most)
		s.config.fit("maxclients", strconv.FormatInt(most, 10))
	}
}

// applyMaxclients refuses what is not possible.
func (s *Server) applyMaxclients(value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if most := mostClients(); err == nil && n > most {
		err = fmt.Errorf("The operating system is not able to handle the specified number of clients, try with %d", most)
	}
	return err
}
