//go:build race

package tjfoc_test

// The race detector makes the library's arithmetic some ten times slower.
const raceEnabled = true
