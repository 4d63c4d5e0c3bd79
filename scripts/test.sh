#!/bin/sh
# Every check and every test of the repository, in stages. The first stage that fails
# ends the run. Run it as `make test`, which sets the environment.
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0
stage() {
	name=$1
	shift
	echo "== $name"
	if "$@"; then
		passed=$((passed + 1))
		return
	fi
	echo
	echo "make test FAILED in the stage \"$name\"."
	echo "stages: $passed passed, 1 failed"
	exit 1
}

# The gofmt of the toolchain that go.mod asks for. The one on the PATH may be of
# another version.
formatted() {
	files=$("$(go env GOROOT)/bin/gofmt" -l .) || return 1
	[ -z "$files" ] && return
	echo "$files"
	echo "These files are not formatted. Run: make fmt"
	return 1
}

# Each module alone, as its users have it. In a workspace, a module can use a
# requirement or a checksum that only another module has.
vet() {
	go list -m -f '{{.Dir}}' | while IFS= read -r dir; do
		echo "$dir"
		(cd "$dir" && GOWORK=off go vet ./...) || exit 1
	done
}

# The tool has a module file of its own, so that users of the library do not get its
# dependencies. go accepts such a file only outside of a workspace, and the packages
# of all modules only inside of one. So this takes two steps.
staticcheck() {
	tool=$(GOWORK=off go tool -modfile=tools/go.mod -n staticcheck) || return 1
	"$tool" work
}

# The race detector needs cgo, and so a C compiler, on all systems except macOS.
# Without a C compiler go turns cgo off, and its error only says that -race needs cgo.
race_detector() {
	[ "$(go env GOOS)" = darwin ] && return
	log=$(CGO_ENABLED=1 go build -race runtime/cgo 2>&1) && return
	echo "$log"
	echo "The tests run under the race detector, which needs a working C compiler."
	echo "Install one and run make test again:"
	echo "  Debian, Ubuntu:  apt-get install gcc libc6-dev"
	echo "  Fedora:          dnf install gcc glibc-devel"
	echo "  Alpine:          apk add gcc musl-dev"
	return 1
}

# This links programs that have no test, too, and throws the results away.
programs() {
	go build -o /dev/null work
}

# The tests of examples/quickstart start that program and use it.
tests() {
	[ "$(go env GOOS)" = darwin ] || export CGO_ENABLED=1
	go test -race -shuffle=on work
}

# This stage is last and alone: it may have to install a Docker engine, and it breaks
# servers and measures times. It runs in the package's own directory, because go test
# then also prints the output of tests that pass, such as the table at the end.
mongo() {
	(cd integration_test/mongo && sh ../../scripts/mongo.sh go test -race -count=1 -timeout=10m)
}

# Allocations are counted without the race detector, because with it every sync.Pool
# drops objects at random.
allocations() {
	go test -run Alloc ./echoadapter ./internal/response ./memstore
}

stage "formatting" formatted
stage "vet, each module by itself" vet
stage "staticcheck" staticcheck
stage "programs build" programs
stage "race detector" race_detector
stage "tests of every module" tests
stage "allocations" allocations
stage "MongoDB, in Docker" mongo

echo
echo "make test passed: all stages, all modules of go.work."
echo "stages: $passed passed, 0 failed"
