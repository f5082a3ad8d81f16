//go:build !race

package tjfoc_test

const raceEnabled = false
