# Every target prints its figure last and fails where that falls short. What each one
# does is in .ci/run, so that a desk and the CI do the same.

.PHONY: check fuzz bench interop ci

# Format, vet, staticcheck, module files, layers and dependencies (both are tests),
# all tests with the race detector, and the main job.
check:
	@.ci/run format vet modules tests examples

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
