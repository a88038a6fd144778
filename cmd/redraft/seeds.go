package main

import (
	"fmt"
	"log/slog"

	"github.com/redraftdb/redraft/fsm"
	"github.com/redraftdb/redraft/server"
)

// seeds are the replicated parameters that begin a new cluster.
func seeds(c *server.Config) []fsm.Setting {
	words := c.Seeds()
	var list []fsm.Setting
	for i := 0; i+1 < len(words); i += 2 {
		list = append(list, fsm.Setting{Name: words[i], Value: words[i+1]})
	}
	return list
}

// firstItems begin a new cluster: its parameters, and the users of aclfile or of user lines.
func firstItems(c *server.Config, srv *server.Server) [][]byte {
	items := [][]byte{fsm.SetParameters(seeds(c)...)}
	if users, err := srv.ConfiguredUsers(); err == nil && users != nil { // an error would have ended the start
		items = append(items, fsm.ReplaceUsers(users))
	}
	return items
}

// compareUsers warns of users that are not those of file or flags.
func compareUsers(srv *server.Server, log *slog.Logger) {
	if srv.UsersDiffer() {
		log.Warn("the cluster's users are not those of aclfile or of the configuration; the cluster's count, and ACL LOAD " +
			"replaces them by those of aclfile")
	}
}

// compareParameters holds what file and flags say of replicated parameters against what the cluster
// has. The cluster's value counts. One that differs is worth a warning; a password that does would
// lock out, or let in, whoever relies on the file, and is an error.
func compareParameters(c *server.Config, m *fsm.Machine, log *slog.Logger) error {
	for _, s := range m.Settings() {
		if !c.Given(s.Name) || c.Get(s.Name) == s.Value {
			continue
		}
		if s.Name == fsm.ParamRequirePass {
			return fmt.Errorf("%s is not the cluster's password: leave it out or give the present one; "+
				"CONFIG SET %s changes it for all nodes", s.Name, s.Name)
		}
		log.Warn("a parameter of the cluster has another value than file or flags say; the cluster's counts, and CONFIG SET "+
			s.Name+" changes it", "parameter", s.Name, "here", c.Get(s.Name), "cluster", s.Value)
	}
	return nil
}
