#!/bin/sh
# mutate.sh PACKAGE...: changes the code of each package (a directory of the root
# module) in many small ways and looks whether the package's own tests notice.
# Fails if less than 90% of the changes that the tests reach are noticed.
#
# The figure is worked out here, because the tester's own is too good in three
# cases: it counts a change that does not compile as noticed (see
# mutant_go.sh), leaves out those that timed out however many they are, and
# calls a package without any changes a success.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

gremlins=$(GOWORK=off go tool -modfile=tools/gremlins/go.mod -n gremlins)

# A copy, so that edits made meanwhile change nothing, and without .git, which
# would be copied again for each worker.
mkdir "$scratch/tree" "$scratch/bin" "$scratch/tmp"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
	if [ -f "$file" ]; then echo "$file"; fi
done | tar -cf - -T - | tar -xf - -C "$scratch/tree"

# The tester runs whatever `go` it finds.
REAL_GO=$(command -v go)
export REAL_GO
cp scripts/mutant_go.sh "$scratch/bin/go"
chmod +x "$scratch/bin/go"
PATH=$scratch/bin:$PATH
export PATH
# One module is enough, and spares downloading what the others need.
export GOWORK=off
export TMPDIR="$scratch/tmp"
# Nearly all of the time goes into compiling, which is faster with more memory.
export GOGC=800
# A loop that no longer ends may also allocate without end: better that the test
# dies than the machine. Not every shell can do this.
ulimit -v 12000000 2>/dev/null || true

failed=0
cd "$scratch/tree"
for package; do
	echo "== $package"
	log=$scratch/log
	# A mutant is given a multiple of the time that the unchanged tests took,
	# which therefore must not come from the test cache (mutant_go.sh again).
	if ! "$gremlins" unleash "./$package" >"$log" 2>&1; then
		cat "$log"
		echo "$package: FAILED: the mutation tester did not get through" | tee -a "$scratch/summary"
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
			if (efficacy < 90) {
				print package ": FAILED: less than 90%"
				exit 1
			}
			if (late > (killed + lived) / 4) {
				print package ": FAILED: with so many timed out the figure means little"
				exit 1
			}
		}
	' "$log" | tee -a "$scratch/summary"
	if grep -q "^$package: FAILED" "$scratch/summary"; then failed=1; fi
done

echo
cat "$scratch/summary"
exit "$failed"
