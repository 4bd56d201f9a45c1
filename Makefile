# The words that a person types. What they do is in scripts/; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run build test soak fuzz check bench clean

help:
	@echo 'make run     build, make the sample lakehouse, serve it on http://127.0.0.1:3000 (BIND=host:port, DRLS_HOME=folder)'
	@echo 'make test    the checks and every test'
	@echo 'make soak    every case that tests take a sample of, then an hour of random work held to a model (SOAK_SECONDS, SOAK_SEED)'
	@echo 'make fuzz    made-up manifests and plugin files, a minute each (FUZZ_SECONDS): host/fuzz'
	@echo 'make check   formatting, lints, types, docs, licences, unused dependencies'
	@echo 'make build   the server, its Python environment, the plugins'
	@echo 'make bench   measure it beside floors and peers: tests/bench'
	@echo 'make clean   remove what was built here; what was downloaded stays in the cache'

run:
	@exec scripts/run.sh

build:
	@exec scripts/build.sh

test:
	@exec scripts/test.sh

soak:
	@exec scripts/soak.sh

fuzz:
	@exec scripts/fuzz.sh

check:
	@exec scripts/test.sh --checks

bench:
	@exec scripts/bench.sh

clean:
	@exec scripts/clean.sh
