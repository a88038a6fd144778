//go:build !race

package cluster

// raceDetector: the tests run with the race detector.
const raceDetector = false
