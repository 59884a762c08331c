# The front door. Everything is a script or a cargo call, so that it can be run by itself too.

.PHONY: test test-quick attacks fmt generate bench quickstart faults fuzz crash package

## Passes every test, installing for itself what the tests need (in .cache/).
test:
	./scripts/test

## What cargo alone can check in two minutes: format, lints, and the tests that wait for nothing long.
SLOW = canaries crash:: hostile_endpoint gateway:: github_action
test-quick:
	cargo fmt --check
	cargo clippy --workspace --all-targets --features operator -- -D warnings
	cargo test --workspace --features operator -- $(addprefix --skip ,$(SLOW))

## Runs every attack of the threat model (docs/concepts/threat-model.md), and counts by area which are held.
attacks:
	./scripts/test attacks

## Formats the code.
fmt:
	cargo fmt

## Writes again what the code generates: schema/, docs/reference/errors.md, docs/reference/cli.md.
generate:
	UPDATE_GENERATED=1 cargo test --features operator --test it generated

## Measures the figures of docs/reference/performance.md.
bench:
	./scripts/bench
	./scripts/bench-peers
	cargo bench --bench growth
	cargo bench --bench core

## The main job on the embedded sandbox.
quickstart:
	./examples/quickstart/run

## Plays seeded fault schedules: `make faults N=100000` for so many, and a tenth of them of the operator.
N ?= 20000
PLAY = cargo test --locked --profile faults --features operator --test faults
faults:
	PORTALCTL_SCHEDULES=$(N) $(PLAY) apply -- --nocapture
	PORTALCTL_SCHEDULES=$$(($(N) / 10)) $(PLAY) operator

## Throws hostile input at what reads it, ten minutes a target.
fuzz:
	./scripts/fuzz 600

## Kills the binary in the middle of what it does, 200 times.
crash:
	./scripts/crash 200

## An archive of this version in dist/, tried as somebody who downloaded it would.
package:
	./scripts/package
	for archive in dist/*.tar.gz; do ./scripts/try-package "$$archive" || exit 1; done
