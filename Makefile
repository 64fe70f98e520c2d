# make run and make test are all a newcomer needs; each installs what is missing. make run DEMO=1 fills the pages with life.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := build-essential pkg-config libssl-dev postgresql libxml2-utils

.PHONY: run test check bench drill drill-seal fuzz deny golden interop browser needs needs-browser

run: needs
	cargo build --release --locked
	exec ./target/release/sigill serve $(if $(findstring --config,$(ARGS)),,--dev-pki) $(if $(DEMO),--demo) $(ARGS)

test: needs
	tests/postgres.sh cargo test --locked --workspace

check: needs
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items
	tests/postgres.sh cargo test --locked --workspace
	$(MAKE) deny

# Licences, sources and known holes of what we use: where the tools and their data can be had, which is said.
deny:
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check licenses sources bans; \
	    else echo "cargo-deny is not here: licences and sources were NOT looked at (cargo install cargo-deny)"; fi
	@if command -v cargo-audit >/dev/null; then cargo audit; \
	    else echo "cargo-audit is not here: known holes were NOT looked at (cargo install cargo-audit)"; fi

# Figures of the server as shares of what the database and the tokenizer do by themselves.
# make bench LOAD=10000000 fills the log with so many records and tells its figures then, those of the seal among them (half an hour).
# make bench ONLY=pages [RECORDS=10000000]: the pages of a demonstration, beside so many records of others.
# make bench AGAINST=path: the log's figures of this build and of another sigill, in pairs.
bench: needs
	SIGILL_TEST_FSYNC=on SIGILL_TEST_OPTIONS="-c shared_buffers=4GB -c checkpoint_timeout=15min -c jit=off \
	    -c wal_compression=lz4 -c wal_buffers=16MB -c wal_init_zero=off -c wal_writer_delay=10ms \
	    -c wal_writer_flush_after=256kB -c random_page_cost=1.1" \
	    tests/postgres.sh cargo bench --locked

# Attacks on the real program, and what a good caller sees of them: make drill [ONLY=part of a name]
drill: needs
	SIGILL_DRILL_FULL=1 cargo test --release --locked --test drill

# Servers that store and seal are killed N times at random; what is left must be whole: make drill-seal N=200
N ?= 200
drill-seal: needs
	SIGILL_SEAL_KILLS=$(N) tests/postgres.sh cargo test --release --locked --test integration -- \
	    --nocapture nothing_is_lost_doubled_or_left_unsealed

# Each fuzz target for so many seconds, with other inputs each time: make fuzz SECONDS=600
SECONDS ?= 60
fuzz: needs
	SIGILL_FUZZ_SECONDS=$(SECONDS) cargo test --release --locked --test fuzz -- --nocapture --test-threads=1

# Rewrites the answers in testdata/; read the difference before you commit it.
golden: needs
	UPDATE_GOLDEN=1 tests/postgres.sh cargo test --locked --test integration --test wire

# A Python client (zeep) built from the served WSDLs calls every served contract.
interop: needs
	tests/interop/run.sh

# The pages as a browser shows them: accessibility, keyboard, without scripts, narrow, large, printed. Pictures are in
# target/browser/pictures; make browser PICTURES=1 also renews those of the README.
browser: needs needs-browser
	PICTURES=$(PICTURES) tests/browser/run.sh

needs-browser:
	@command -v chromium >/dev/null && command -v npm >/dev/null || { \
	    $(SUDO) apt-get update && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium nodejs npm fonts-dejavu-core; }

needs:
	@command -v cargo >/dev/null || { echo "install Rust first: https://rustup.rs"; exit 1; }
	@dpkg-query -W -f '$${Status}\n' $(PACKAGES) 2>/dev/null | grep -c 'ok installed' \
	    | grep -qx $(words $(PACKAGES)) || { \
	    $(SUDO) apt-get update && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(PACKAGES); }
