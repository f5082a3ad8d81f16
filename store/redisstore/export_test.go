package redisstore

// What reads the bytes of Redis, for fuzzing.
var (
	ReadClaim = readClaim
	ReadWait  = readWait
	Swapped   = swapped
)
