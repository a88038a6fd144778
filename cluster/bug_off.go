//go:build !seededbug

package cluster

// bug is the mistake that this build makes on purpose: none.
const bug = ""
