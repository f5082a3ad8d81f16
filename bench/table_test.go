package bench_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	// rounds is how often every row is measured; the median of them is shown.
	rounds = 15
	// slice is how long one row runs in one round.
	slice = 20 * time.Millisecond
)

// row is one contestant: run does the whole thing once.
type row struct {
	name string
	run  func()
	// median nanoseconds and allocations of one run, and its nanoseconds in each
	// round; measure fills them.
	median, allocs float64
	rounds         []float64
}

// ratio is how many times as long as other r takes: the median of the ratios within
// each round, so that what else runs on the machine meets both.
func (r *row) ratio(other *row) float64 {
	ratios := make([]float64, rounds)
	for i := range ratios {
		ratios[i] = r.rounds[i] / other.rounds[i]
	}
	return median(ratios)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// group is what is compared with each other; the first row is the floor.
type group struct {
	title string
	rows  []*row
}

// measure runs the rows in turns, so that a machine that slows down slows all of
// them, and starts each round with another row.
func (g group) measure() {
	counts := make([]int, len(g.rows))
	for i, r := range g.rows {
		r.allocs = testing.AllocsPerRun(50, r.run)
		counts[i] = calibrate(r.run)
	}
	for round := range rounds {
		for k := range g.rows {
			i := (round + k) % len(g.rows)
			g.rows[i].rounds = append(g.rows[i].rounds, float64(timed(g.rows[i].run, counts[i]).Nanoseconds())/float64(counts[i]))
		}
	}
	for _, r := range g.rows {
		r.median = median(r.rounds)
	}
}

// calibrate finds how many runs fill a slice.
func calibrate(run func()) int {
	for n := 1; ; n *= 2 {
		if d := timed(run, n); d >= slice/8 {
			return max(1, int(int64(n)*int64(slice)/int64(d)))
		}
	}
}

func timed(run func(), n int) time.Duration {
	start := time.Now()
	for range n {
		run()
	}
	return time.Since(start)
}

func (g group) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "%s\tmedian\tallocs\tto floor\n", g.title)
	for _, r := range g.rows {
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%.0f\t%.2f\n", r.name, shown(r.median), r.allocs, r.ratio(g.rows[0]))
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w)
}

func shown(ns float64) string {
	if ns < 10_000 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.1f µs", ns/1000)
}

// row finds a contestant by its name.
func (g group) row(name string) *row {
	for _, r := range g.rows {
		if r.name == name {
			return r
		}
	}
	panic("no row " + name)
}
