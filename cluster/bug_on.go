//go:build seededbug

package cluster

// bug is the mistake that this build makes on purpose. The linker sets it.
var bug string
