#!/bin/sh
# fuzz.sh DURATION: runs each fuzz target of every module for that long. The
# first that finds something ends it; go test says where it put the input. The
# inputs that reached new code are kept in testdata/fuzz of the package, where
# every test run tries them again.
set -eu
cd "$(dirname "$0")/.."

# go test -list prints the names in a package and then the line of the package.
listing=$(go test -run '^$' -list '^Fuzz' work)
targets=$(echo "$listing" | awk '
	/^Fuzz/ { names[n++] = $1 }
	$1 == "ok" { for (i = 0; i < n; i++) print $2, names[i]; n = 0 }
')
if [ -z "$targets" ]; then
	echo "There is no fuzz target."
	exit 1
fi

echo "$targets" | while read -r package name; do
	echo "== $name in $package"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$package"
	found=$(go env GOCACHE)/fuzz/$package/$name
	if [ -d "$found" ]; then
		kept=$(go list -f '{{.Dir}}' "$package")/testdata/fuzz/$name
		mkdir -p "$kept"
		cp "$found"/* "$kept"
	fi
done
