#!/bin/sh
# mutate.sh PACKAGE...: changes the code of each package (a directory of the root
# module) in many small ways, and runs the package's own tests after each change.
# Fails if the tests notice less than 92% of the changes that they reach. The tests
# of internal/adapter are its own and those of echoadapter, which runs the suite of
# all adapters.
#
# The script computes the figure, because the figure of the mutation tester is too
# good in three cases: it counts a change that does not compile as noticed (see
# mutant_go.sh), it leaves out all changes that timed out, and it calls a package
# without changes a success.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

module=$(GOWORK=off go list -m)
gremlins=$(GOWORK=off go tool -modfile=tools/gremlins/go.mod -n gremlins)

# A copy, so that edits during the run have no effect. It is without .git, which the
# tester would copy for each worker.
mkdir "$scratch/tree" "$scratch/bin" "$scratch/tmp"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
	if [ -f "$file" ]; then echo "$file"; fi
done | tar -cf - -T - | tar -xf - -C "$scratch/tree"

# The tester runs the `go` that it finds first.
REAL_GO=$(command -v go)
export REAL_GO
cp scripts/mutant_go.sh "$scratch/bin/go"
chmod +x "$scratch/bin/go"
PATH=$scratch/bin:$PATH
export PATH
# One module is enough, and the dependencies of the others need no download.
export GOWORK=off
export TMPDIR="$scratch/tmp"
# Most of the time is compiling, which is faster with more memory.
export GOGC=800
# A changed loop may run and allocate without end. Then the test must die, and not
# the machine. Not every shell can set this limit.
ulimit -v 12000000 2>/dev/null || true

failed=0
cd "$scratch/tree"
for package; do
	echo "== $package"
	MUTATED= ALSO_TEST=
	if [ "$package" = internal/adapter ]; then
		MUTATED=$module/internal/adapter ALSO_TEST=$module/echoadapter
	fi
	export MUTATED ALSO_TEST
	log=$scratch/log
	# The limit for a mutant is a multiple of the time that the unchanged tests took.
	# That time must not come from the test cache (see mutant_go.sh).
	if ! "$gremlins" unleash "./$package" >"$log" 2>&1; then
		cat "$log"
		echo "$package: FAILED: the mutation tester did not finish" | tee -a "$scratch/summary"
		failed=1
		continue
	fi
	grep -E '^ *(LIVED|TIMED OUT|NOT COVERED) ' "$log" | sed "s|at |at $package/|"
	awk -v package="$package" '
		/^ *KILLED /      { killed++ }
		/^ *LIVED /       { lived++ }
		/^ *TIMED OUT /   { late++ }
		/^ *NOT COVERED / { unreached++ }
		/^ *NOT VIABLE /  { broken++ }
		END {
			printf "%s: killed %d, lived %d, timed out %d, not covered %d, not compiling %d\n",
				package, killed, lived, late, unreached, broken
			if (killed + lived == 0) {
				print package ": FAILED: no mutant was tested"
				exit 1
			}
			efficacy = 100 * killed / (killed + lived)
			printf "%s: efficacy %.2f%%\n", package, efficacy
			if (efficacy < 92) {
				print package ": FAILED: less than 92%"
				exit 1
			}
			if (late > (killed + lived) / 4) {
				print package ": FAILED: so many timed out that the figure means little"
				exit 1
			}
		}
	' "$log" | tee -a "$scratch/summary"
	if grep -q "^$package: FAILED" "$scratch/summary"; then failed=1; fi
done

echo
cat "$scratch/summary"
exit "$failed"
