// Package wire lets a host refund while the wire to its database, its lock server or
// its broker is cut, frozen, delayed and healed, and audits what is left.
//
// Everything is in its tests. They need servers, each named by a variable
// (BANKRAIL_TEST_POSTGRES, BANKRAIL_TEST_MYSQL, BANKRAIL_TEST_REDIS,
// BANKRAIL_TEST_NATS); BANKRAIL_TEST_WIRE is for how long each wire is bad, such as
// 30s, and defaults to 5s.
package wire
