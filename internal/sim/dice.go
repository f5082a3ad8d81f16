package sim

import "time"

// dice is keyed randomness: what it shows depends on the seed, on what it is thrown
// for and on how often, never on which goroutine came first. One dice belongs to one
// actor.
type dice struct{ key, thrown uint64 }

func newDice(seed uint64) dice { return dice{key: mix(seed ^ 0x9e3779b97f4a7c15)} }

// fork returns the dice of one purpose, independent of those of others.
func (d dice) fork(purpose string, n int) dice {
	h := uint64(14695981039346656037)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 1099511628211
	}
	return dice{key: mix(d.key ^ mix(h+uint64(n)*0x9e3779b97f4a7c15))}
}

func (d *dice) next() uint64 {
	d.thrown++
	return mix(d.key + d.thrown*0xd1342543de82ef95)
}

// below returns a number from 0 to n-1.
func (d *dice) below(n int) int {
	if n <= 1 {
		return 0
	}
	return int(d.next() % uint64(n))
}

// chance is true in so many cases of a thousand.
func (d *dice) chance(perMille int) bool { return d.below(1000) < perMille }

// between returns a duration from a on and before b.
func (d *dice) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(d.next()%uint64(b-a))
}

// mix spreads every bit over the whole word (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
