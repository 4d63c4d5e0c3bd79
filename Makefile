# What follows is the same on every machine: the module files are taken as
# committed and the workspace is the one here, whatever the environment says.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK  :=

BENCH    ?= .
FUZZTIME ?= 30s
# One set for the coverage and one for the mutants: what each is measured for.
LEAVES   := internal/token internal/seal internal/merge internal/outage internal/turn internal/typeinfo
COVER    ?= session memstore echoadapter $(LEAVES)
MUTATE   ?= session memstore echoadapter internal/response $(LEAVES)

.DEFAULT_GOAL := help
.PHONY: help quick test fmt bench cover fuzz mutate

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

quick: ## Run the checks and the tests that need no Docker
	@sh scripts/quick.sh

test: ## Run every check and every test, as the CI does
	@sh scripts/test.sh

fmt: ## Format the Go code
	gofmt -w .

bench: ## Run the benchmarks that match BENCH (all)
	go test -run '^$$' -bench '$(BENCH)' -benchmem work

cover: ## Fail if less than 90% of a package in COVER is covered
	@sh scripts/cover.sh $(COVER)

fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@sh scripts/fuzz.sh $(FUZZTIME)

mutate: ## Fail if the tests notice less than 90% of the mutants in MUTATE
	@sh scripts/mutate.sh $(MUTATE)
