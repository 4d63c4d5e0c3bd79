#!/bin/sh
# The whole test of the repository, one stage after the other. The first stage
# that fails ends it. Run it as `make test`, which sets the environment.
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

# The formatter of the toolchain that go.mod asks for, which need not be the
# gofmt on the PATH.
formatted() {
	files=$("$(go env GOROOT)/bin/gofmt" -l .) || return 1
	[ -z "$files" ] && return
	echo "$files"
	echo "These files are not formatted. Run: make fmt"
	return 1
}

# Each module by itself, as its users have it: the workspace would also take a
# module or a checksum from where another module of it names them.
vet() {
	go list -m -f '{{.Dir}}' | while IFS= read -r dir; do
		echo "$dir"
		(cd "$dir" && GOWORK=off go vet ./...) || exit 1
	done
}

# The tool has a module file of its own, so that nothing of it reaches those
# who use the library. Such a file cannot be named inside a workspace, and the
# packages of all modules cannot be named outside one: hence two steps.
staticcheck() {
	tool=$(GOWORK=off go tool -modfile=tools/go.mod -n staticcheck) || return 1
	"$tool" work
}

# The race detector needs cgo, and so a C compiler, on all systems but macOS.
# Without one go turns cgo off, and would only say that -race requires it.
race_detector() {
	[ "$(go env GOOS)" = darwin ] && return
	log=$(CGO_ENABLED=1 go build -race runtime/cgo 2>&1) && return
	echo "$log"
	echo "The tests run under the race detector, which needs a C compiler that works."
	echo "Install one and run make test again:"
	echo "  Debian, Ubuntu:  apt-get install gcc libc6-dev"
	echo "  Fedora:          dnf install gcc glibc-devel"
	echo "  Alpine:          apk add gcc musl-dev"
	return 1
}

# Programs without a test of their own are linked too. What comes out is
# thrown away.
programs() {
	go build -o /dev/null work
}

# The tests of examples/quickstart start that program and use it.
tests() {
	[ "$(go env GOOS)" = darwin ] || export CGO_ENABLED=1
	go test -race -shuffle=on work
}

# By itself and last: it is told to need MongoDB, may have to install a Docker
# engine for it, and breaks servers in measured time. In its own directory go
# test also shows what passes, of which the closing table is to be seen.
mongo() {
	(cd integration_test/mongo && sh ../../scripts/mongo.sh go test -race -count=1 -timeout=10m)
}

# Counting allocations means little under the race detector, where every
# sync.Pool forgets at random.
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
