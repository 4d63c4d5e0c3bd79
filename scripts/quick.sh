#!/bin/sh
# quick.sh: formatting, vet, staticcheck, and every test that needs no Docker,
# without the race detector. It is for daily work. `make test` is the full check.
set -u
cd "$(dirname "$0")/.." || exit 1

fail() {
	echo
	echo "make quick FAILED: $1"
	exit 1
}

files=$("$(go env GOROOT)/bin/gofmt" -l .) || fail "gofmt"
[ -z "$files" ] || {
	echo "$files"
	fail "these files are not formatted, run: make fmt"
}

# staticcheck and the tests run at the same time: neither uses all processors.
tool=$(GOWORK=off go tool -modfile=tools/go.mod -n staticcheck) || fail "building staticcheck"
"$tool" work &
checking=$!
trap 'kill "$checking" 2>/dev/null' EXIT
go test work || fail "the tests" # this runs only a part of vet
go vet work || fail "vet"
wait "$checking" || fail "staticcheck"
trap - EXIT
echo "make quick passed."
