# Every target prints its figure last and fails where that falls short. What each one
# does is in .ci/run, so that a desk and the CI do the same.

.PHONY: check stores sim mutants crash wire fuzz bench interop ci

# Format, vet, staticcheck, module files, layers and dependencies (both are tests),
# all tests with the race detector, and the main job.
check:
	@.ci/run format vet modules tests examples

# Random sequences and concurrent histories on every store.
stores:
	@.ci/run stores

# Simulated worlds of faults in virtual time. WORLDS=1000000 make sim
sim:
	@.ci/run sim

# Fifteen seeded bugs, each of which the simulation or the histories must catch.
mutants:
	@.ci/run mutants

# Real processes killed with SIGKILL: at each crash point, and KILLS times at random.
crash:
	@.ci/run crash

# Servers behind a wire that is cut, frozen and delayed. WIRE=2m make wire
wire:
	@.ci/run wire

# FUZZTIME=1m make fuzz
fuzz:
	@.ci/run fuzz

bench:
	@.ci/run bench

# sign against an OpenSSL that knows SM2.
interop:
	@.ci/run interop

# All of it, with kills and restarts.
ci:
	@.ci/run
