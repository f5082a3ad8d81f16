// Package proof holds the proofs that need real processes and real servers.
package proof
