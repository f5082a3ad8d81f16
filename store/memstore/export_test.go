package memstore

// Names is how many names the Locker remembers.
func Names(l *Locker) int { return len(l.leases) }
