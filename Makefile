# What a person does with this repository. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET    := $(or $(CARGO_TARGET_DIR),target)
WASM      := wasm32-wasip2
PLUGINS   := shopify square poslog erp-rest erp-tryton erp-x12
DIST      := $(abspath $(TARGET))/plugins
CROSSDOCK ?= $(TARGET)/debug/crossdock
ARGS      ?=
CARGO     ?= cargo
export CROSSDOCK_PLUGINS := $(DIST)

.PHONY: help demo test lint bench scale worlds plugins pack wasm toolchain tools doc clean

help: ## Lists what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: plugins ## The main job, everything embedded; ARGS="--orders 2000 --kills 20 --exit --json"
	@$(CROSSDOCK) demo $(ARGS)

test: toolchain tools ## Every test, a real Tryton included; ARGS go to cargo-nextest
	@tests/run $(ARGS)

lint: toolchain tools ## Format, lints, documentation, licences and advisories
	$(CARGO) fmt --all --check
	$(CARGO) clippy -q --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -q --workspace --all-features --no-deps
	$(CARGO) deny --log-level error --all-features check bans licenses sources
	@if $(CARGO) deny --log-level off fetch db 2>/dev/null; then \
	  $(CARGO) deny --log-level error --all-features check advisories; \
	else echo "the advisory database is out of reach: advisories were NOT checked"; fi

bench: plugins ## What it can do, in figures; ARGS="--quick --json"
	$(CARGO) build -q --release -p crossdock-server --bin crossdock
	@$(TARGET)/release/crossdock bench $(ARGS)

scale: ## What ten million orders cost, held against limits; ARGS="--settled 10000000 --json"
	$(CARGO) build -q --release -p crossdock-scale
	@$(TARGET)/release/crossdock-scale $(ARGS)

worlds: ## Every small world, with two wrong answers and a kill in each: an hour or two
	CROSSDOCK_FAULTS=$${CROSSDOCK_FAULTS:-2,1} $(CARGO) test -q --release -p crossdock-worlds --test worlds more_faults -- --nocapture

plugins: wasm ## Builds, packs and signs the connectors into target/plugins
	$(CARGO) build -q -p crossdock-server --bin crossdock
	@$(MAKE) --no-print-directory pack

pack:
	@mkdir -p $(DIST)
	@test -f $(DIST)/vendor.key || $(CROSSDOCK) plugin keygen --out $(DIST)/vendor.key
	@for plugin in $(PLUGINS); do \
	  $(CROSSDOCK) plugin pack $(TARGET)/$(WASM)/plugin/plugin_$${plugin//-/_}.wasm \
	    --manifest plugins/$$plugin/plugin.toml --sign $(DIST)/vendor.key --out $(DIST)/$$plugin.wasm; \
	done

wasm: toolchain
	$(CARGO) build -q --profile plugin --target $(WASM) $(addprefix -p plugin-,$(PLUGINS))

# The host's toolchain brings no WebAssembly target by itself.
toolchain:
	@test -d "$$(rustc --print sysroot)/lib/rustlib/$(WASM)" || rustup target add $(WASM)

tools:
	@$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-nextest
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny

doc: ## The documentation of every crate
	$(CARGO) doc --workspace --no-deps

clean: ## Removes what was built
	$(CARGO) clean
