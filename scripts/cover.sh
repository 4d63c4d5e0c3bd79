#!/bin/sh
# cover.sh PACKAGE...: prints how much of each package (a directory of the root
# module) the tests of all packages reach together. Fails if it is less than 95%.
set -eu
cd "$(dirname "$0")/.."

module=$(GOWORK=off go list -m)
pattern=
for package; do
	pattern=$pattern${pattern:+,}./$package
done
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT

go test -covermode=atomic -coverpkg="$pattern" -coverprofile="$profile" ./...

# Every test binary reports every block. A block counts if one of them reached it.
awk -v module="$module" -v packages="$*" '
	NR > 1 {
		statements[$1] = $2
		if ($3 > 0) reached[$1] = 1
	}
	END {
		for (block in statements) {
			package = substr(block, length(module) + 2)
			sub(/\/[^\/]*$/, "", package)
			total[package] += statements[block]
			if (block in reached) covered[package] += statements[block]
		}
		print ""
		n = split(packages, names, " ")
		for (i = 1; i <= n; i++) {
			package = names[i]
			if (total[package] == 0) {
				printf "%-20s nothing to cover\n", package
				failed = 1
				continue
			}
			percent = 100 * covered[package] / total[package]
			verdict = percent < 95 ? "  below 95%" : ""
			if (verdict != "") failed = 1
			printf "%-20s %6.1f%%%s\n", package, percent, verdict
		}
		exit failed
	}
' "$profile"
