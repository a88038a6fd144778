//go:build race

package main

// raceDetector says that the tests run under the race detector; the node they start does so too.
const raceDetector = true
