#!/bin/sh
# fuzz.sh DURATION: runs each fuzz target of every module for that duration. It
# stops at the first target that fails. go test then prints the input and the
# file that it wrote to testdata/fuzz. Fix the fault, and keep the input as an
# f.Add line with a comment instead of that file.
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
done
