package server

import "fmt"

// The names of the profiles.
const (
	profileLAN = "lan"
	profileWAN = "wan"
)

// timeout is a time-out of the cluster, in ms, with its value in each profile.
type timeout struct {
	name, lan, wan string
	least, most    int64
	help           string
}

// timeouts are the time-outs that a profile sets together. wan is for nodes whose messages take up
// to 100 ms or so to another and back: a heartbeat may be late by several of these, and a follower
// is told of a commit less often.
func timeouts() []timeout {
	return []timeout{
		{"heartbeat-timeout", "300", "1500", 50, 60000, "silence of the leader after which an election begins; the same on all nodes"},
		{"election-timeout", "300", "1500", 50, 60000, "time a candidate has to win, at least heartbeat-timeout; the same on all nodes"},
		{"lease-timeout", "300", "1000", 20, 60000, "time for which voters promise a leader not to vote for another, at most heartbeat-timeout; the same on all nodes"},
		{"commit-timeout", "4", "20", 1, 1000, "idle time after which followers are told how far the log is committed"},
	}
}

// timeoutParameters are the profile and the time-outs, each with its value in the profile lan.
func timeoutParameters() []*Parameter {
	parameters := []*Parameter{{Name: "profile", Kind: Enum, Default: profileLAN, Values: []string{profileLAN, profileWAN}, Immutable: true,
		Help: "time-outs for nodes close to each other, or in places far apart; the same on all nodes"}}
	for _, t := range timeouts() {
		parameters = append(parameters, &Parameter{Name: t.name, Kind: Int, Default: t.lan, Min: t.least, Max: t.most,
			Immutable: true, Usage: "ms", Help: t.help + fmt.Sprintf("; %s with profile %s", t.wan, profileWAN)})
	}
	return parameters
}

// FitTimeouts gives the time-outs that nobody has set the values of the profile, and makes them fit
// those that somebody has. It is called when file and flags have been read.
func (c *Config) FitTimeouts() error {
	for _, t := range timeouts() {
		if !c.Given(t.name) && c.Get("profile") == profileWAN {
			c.fit(t.name, t.wan)
		}
	}
	heartbeat := c.Get("heartbeat-timeout")
	if c.Int("election-timeout") < c.Int("heartbeat-timeout") {
		if c.Given("election-timeout") {
			return fmt.Errorf("election-timeout: at least heartbeat-timeout, which is %s", heartbeat)
		}
		c.fit("election-timeout", heartbeat)
	}
	if c.Int("lease-timeout") > c.Int("heartbeat-timeout") {
		if c.Given("lease-timeout") {
			return fmt.Errorf("lease-timeout: at most heartbeat-timeout, which is %s", heartbeat)
		}
		c.fit("lease-timeout", heartbeat)
	}
	return nil
}

// fit gives a parameter a value that follows from others.
func (c *Config) fit(name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[name] = value
}
