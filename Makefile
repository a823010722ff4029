# `make` lists the commands. Beforehand only a Rust toolchain and a C compiler are needed.
#
# Demo, tests and checks share the dev profile and one set of features, so that the tree is built once. Test
# dependencies widen the features of some crates; hence `build` always builds the tests along.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tools that are installed here go into .tools. Cargo may be there and its folder not yet in the PATH.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
export SITEWRIGHT := $(abspath $(TARGET))/debug/sitewright

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: toolchain
toolchain:
	@command -v $(CARGO) >/dev/null || { echo 'cargo is missing. Get Rust: https://rustup.rs, then open a new shell.' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'cc is missing. Get a C compiler: `apt-get install gcc libc6-dev` (Debian, Ubuntu), `dnf install gcc` (Fedora), `xcode-select --install` (macOS).' >&2; exit 1; }

.PHONY: build
build: toolchain ## Build the program and its tests
	$(CARGO) build --locked --workspace --bins --tests

.PHONY: demo
demo: build ## The main job on the built-in simulator: plan, apply, console steps, plan again
	@scripts/demo.sh

.PHONY: record-demo
record-demo: build ## Run the demo and put its output into README.md
	scripts/record-demo.sh

.PHONY: setup
setup: toolchain ## Install what the tests need: into .tools, and by apt-get where that is possible
	scripts/setup.sh test

.PHONY: test
test: setup build ## The whole suite
	cd tests/outside && ../../.tools/venv/bin/python -m unittest --quiet
	$(CARGO) test --locked --workspace --doc --quiet
	$(CARGO) nextest run --locked --workspace

# The properties look first at the worlds that they look at in `make test`, and then at as many more as are asked for,
# optimised: that takes minutes to build and saves hours.
TORTURE_CASES ?= 10000
.PHONY: torture
torture: setup build ## What `make test` tries a sample of, in full; takes hours. TORTURE_CASES=N looks at N worlds
	PROPTEST_CASES=$(TORTURE_CASES) $(CARGO) nextest run --locked --profile torture --package sitewright --lib \
		--config 'profile.dev.package.sitewright.opt-level=2' properties::
	SITEWRIGHT_TORTURE=1 $(CARGO) nextest run --locked --profile torture --package sitewright --run-ignored all \
		-E 'test(/^crash::/) + test(/^watch::hour/)'

# One target after the other, each on one core. Needs a nightly compiler and cargo-fuzz: see fuzz/README.md.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
.PHONY: fuzz
fuzz: toolchain ## Every fuzz target for ten minutes; FUZZ_SECONDS=N, FUZZ_TARGETS=NAME narrow it
	@command -v cargo-fuzz >/dev/null || { echo 'cargo-fuzz is missing: `cargo install --locked cargo-fuzz`' >&2; exit 1; }
	cargo +nightly fuzz build --sanitizer none
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/found/$$target; \
		cargo +nightly fuzz run --sanitizer none $$target fuzz/found/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=20 -rss_limit_mb=2048; \
	done

.PHONY: check
check: format-check lint doc schema-check deny ## Everything that is judged without running the tests

.PHONY: format-check
format-check: toolchain
	$(CARGO) fmt --all --check

.PHONY: lint
lint: toolchain ## Clippy, warnings are errors
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: doc
doc: toolchain ## The documentation of the code, warnings are errors
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps

.PHONY: release
release: toolchain
	$(CARGO) build --locked --release --bins

.PHONY: bench
bench: release ## Plan, checks, predictions, apply on worlds of growing size; BENCH='--sizes 1000' narrows it
	$(CARGO) bench --locked --package sitewright --bench sweep
	python3 benches/scale.py --program $(TARGET)/release/sitewright --work $(TARGET)/bench $(BENCH)

.PHONY: bench-peers
bench-peers: release ## The same beside octoDNS and, where it is installed, Terraform
	python3 benches/peers.py --program $(TARGET)/release/sitewright --work $(TARGET)/bench $(BENCH)

.PHONY: schemas
schemas: build ## Write schemas/ and docs/checks.md anew
	scripts/schemas.sh write

.PHONY: schema-check
schema-check: build
	scripts/schemas.sh check

.PHONY: deny
deny: toolchain ## Licences, bans and sources of dependencies; advisories need a network: see deny.toml
	@scripts/setup.sh deny
	cargo-deny --workspace --log-level error check bans licenses sources
