# The same on every machine, in spite of its environment: the module files are used
# as they are committed, and the workspace is the one in this directory.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK  :=

BENCH    ?= .
FUZZTIME ?= 30s
WORLDS   ?= 300000

# The packages that cover and mutate measure. mongostore is not one of them: most of
# its tests need a server.
LEAVES := internal/token internal/seal internal/merge internal/outage internal/turn internal/typeinfo
COVER  ?= session memstore echoadapter internal/adapter internal/response $(LEAVES)
MUTATE ?= session memstore echoadapter internal/adapter internal/response $(LEAVES)

.DEFAULT_GOAL := help
.PHONY: help quick test fmt bench interleave cover fuzz mutate

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

quick: ## Run the checks and the tests that need no Docker
	@sh scripts/quick.sh

test: ## Run every check and every test, as the CI does
	@sh scripts/test.sh

fmt: ## Format the Go code
	gofmt -w .

bench: ## Run the benchmarks that match BENCH (all)
	go test -run '^$$' -bench '$(BENCH)' -benchmem work

interleave: ## Play WORLDS (300000) random interleavings, half of them with faults
	ECHOSESSION_WORLDS=$(WORLDS) go test -run '^TestInterleavings$$' -timeout 60m -v ./session

cover: ## Fail if the tests reach less than 95% of a package in COVER
	@sh scripts/cover.sh $(COVER)

fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@sh scripts/fuzz.sh $(FUZZTIME)

mutate: ## Fail if the tests of a package in MUTATE notice less than 92% of its mutants
	@sh scripts/mutate.sh $(MUTATE)
