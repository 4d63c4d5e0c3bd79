#!/bin/sh
# Replaces the go command while mutants are tested; see mutate.sh.
#
# The mutation tester takes exit status 1 of `go test` for a test that failed and 2
# for code that does not compile. But go test ends with 1 in both cases. Then every
# change that does not compile, such as `a - b` of two strings, would count as
# noticed. For the same reason this runs no vet, which is not a test of ours. The
# first test that fails is enough, and the binaries need no debug information.
#
# ALSO_TEST is a package whose tests run as well, and MUTATED the package whose
# coverage counts then.
case "$*" in
"test "*-coverprofile*)
	shift
	exec "$REAL_GO" test -count=1 -vet=off ${MUTATED:+-coverpkg="$MUTATED"} "$@" $ALSO_TEST
	;;
"test "*)
	shift
	output=$("$REAL_GO" test -count=1 -vet=off -failfast -ldflags='-s -w' -gcflags=-dwarf=false "$@" $ALSO_TEST 2>&1)
	status=$?
	case $output in
	*"[build failed]"* | *"[setup failed]"*) exit 2 ;;
	esac
	exit $status
	;;
esac
exec "$REAL_GO" "$@"
