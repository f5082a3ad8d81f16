package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// coverage counts in how many worlds a thing was seen.
type coverage map[string]int

// missing lists what was planned and never happened: a simulation that tests nothing
// is worse than none.
func (c coverage) missing(planned []string) []string {
	var out []string
	for _, p := range planned {
		if c[p] == 0 {
			out = append(out, p)
		}
	}
	return out
}

func (c coverage) add(seen map[string]int) {
	for k, n := range seen {
		if n > 0 {
			c[k]++
		}
	}
}

// String lists the counts by name.
func (c coverage) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%8d  %s\n", c[k], k)
	}
	return b.String()
}

// planned is what every run of so many worlds must have met.
func planned(worlds int) []string {
	var out []string
	if worlds >= 200 {
		out = append(out, often()...)
	}
	if worlds >= 2000 {
		out = append(out, rarely()...)
	}
	return out
}

func rarely() []string {
	return []string{
		"bank refuses the echo", "host unconfirmed", "edge created>manual", "edge manual>succeeded", "edge processing>created",
		"host commit fails", "host commit unknown", "lock evicted", "operator agrees", "query while stopped",
		"anomaly early", "anomaly stale", "anomaly late_success", "bank breaks its word",
	}
}

func often() []string {
	return []string{
		"node crash", "node pause", "node clock forward", "node clock back", "node restart",
		"wire lost", "wire late", "wire twice", "wire not sent", "answer lost", "answer cut", "answer 5xx", "answer garbage", "answer unsigned",
		"bank refuses", "bank refuses for now", "bank accepts", "bank settles at once", "bank fails", "bank bounces", "bank never settles", "bank other amount",
		"query stale", "query not found",
		"notice", "notice again", "notice days late", "notice early", "notice alien", "notice contradicts", "notice without amount", "notice stale", "notice reused", "notice refused",
		"store cut before", "store cut after", "store lands later", "store deadlock", "store outage", "store read-only", "store slow", "store hook refuses",
		"store lands orphaned", "wire swallows", "notice of many", "statement a day late",
		"broker down", "broker ack lost",
		"lock down", "lock slow", "lock held by another",
		"limit stops", "limit caps", "limit lifted", "alarm limited",
		"breaker open at the send", "breaker open before the record",
		"host transaction", "host rolls back", "operator proposes",
		// Where a crash hurts most; C2 needs a lock, C17 is of the databases.
		"point C1", "point C2", "point C3", "point C4", "point C5", "point C6", "point C7", "point C8", "point C9",
		"point C10", "point C11", "point C12", "point C13", "point C14", "point C15", "point C16",
		"host new number", "sent again", "host repeats", "host repeats elsewhere", "host other content", "host gives up",
		"operator two sweeps", "operator cancels", "operator decides succeeded", "operator decides failed", "operator is refused", "statement", "secrets",
		"edge processing>succeeded", "edge processing>failed", "edge processing>manual", "edge created>processing", "edge created>failed",
		"edge succeeded>reversed",
		"cause tries", "cause overdue", "cause contradiction", "cause early", "cause never_sent", "cause refused", "cause failed", "cause decided",
		"anomaly amount", "anomaly contradiction", "anomaly unmatched", "anomaly reused",
	}
}
