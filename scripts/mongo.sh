#!/bin/sh
# Runs a command that needs MongoDB, and provides what starts servers:
#
#   sh scripts/mongo.sh go test ./integration_test/mongo
#
# It uses the Docker engine of this machine. If there is none, and this is root on
# Debian or Ubuntu, it installs and starts one, and stops it at the end.
# MONGO_IMAGE names the image; default mongo:8, or an equal image that is built
# here if mongo:8 cannot be pulled. MONGODB_URI names a running server: then no
# engine is needed, and the tests that start, stop or break servers are skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
say() { echo "mongo.sh: $*" >&2; }

export ECHOSESSION_MONGO=required
if [ -n "${MONGODB_URI:-}" ]; then
	say "using the server that MONGODB_URI names"
	exec "$@"
fi

# Marks what this run starts, so that its end removes that and nothing else.
export ECHOSESSION_MONGO_RUN="$$-$(date +%s)"
label=echosession.mongo.run

engine=  # pid of the dockerd that this run started
service= # set if the package started an engine of its own

remove() { # removes the containers and networks that match a filter
	ids=$(docker ps -aq --filter "$1") && [ -z "$ids" ] || docker rm -fv $ids >/dev/null
	ids=$(docker network ls -q --filter "$1") && [ -z "$ids" ] || docker network rm $ids >/dev/null
}

finish() {
	status=$?
	trap - EXIT
	trap '' INT TERM HUP
	docker info >/dev/null 2>&1 && remove "label=$label=$ECHOSESSION_MONGO_RUN"
	if [ -n "$engine" ]; then
		kill "$engine" 2>/dev/null
		wait "$engine" 2>/dev/null
		rm -f "$log"
		say "stopped the dockerd that it started"
	fi
	[ -z "$service" ] || systemctl stop docker.socket docker.service
	exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

stop_with_advice() {
	say "$1"
	say "The MongoDB tests need a Docker engine that this user may use: install and start one"
	say "(https://docs.docker.com/engine/install), or name a running server with MONGODB_URI."
	exit 1
}

answers() { # waits up to $1 seconds for the engine
	tries=$(($1 * 4))
	until docker info >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.25
	done
}

install_engine() {
	[ "$(id -u)" = 0 ] || stop_with_advice "no Docker engine answers, and only root can start one."
	[ -e /etc/debian_version ] || stop_with_advice "no Docker engine answers, and this is no Debian or Ubuntu to install one on."
	say "no Docker engine answers: installing docker.io and iptables"
	apt-get update -qq >&2 || stop_with_advice "apt-get update failed."
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >&2 ||
		stop_with_advice "apt-get could not install docker.io."
	command -v docker >/dev/null || # from Debian 13 on the client is a package of its own
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-cli >&2
	# If systemd runs, the package has started its service.
	if [ -d /run/systemd/system ] && answers 10; then
		service=yes
	fi
}

start_engine() {
	[ "$(id -u)" = 0 ] || stop_with_advice "no Docker engine answers, and only root can start one."
	pidfile=/var/run/docker.pid
	if [ -e "$pidfile" ]; then
		# A process that ended, but whose parent has not noticed, has a name and no program.
		program=$(readlink "/proc/$(cat "$pidfile")/exe") || program=
		if [ "${program##*/}" = dockerd ]; then
			answers 20 || stop_with_advice "a dockerd runs (pid $(cat "$pidfile")) but does not answer."
			return
		fi
		say "removing $pidfile of a dockerd that was killed"
		rm -f "$pidfile"
	fi
	say "no Docker engine answers: starting dockerd until the end of this run"
	log=$(mktemp)
	# In a session of its own, so that Ctrl-C ends the tests and not the engine.
	setsid dockerd >"$log" 2>&1 </dev/null &
	engine=$!
	answers 30 || {
		tail -n 20 "$log" >&2
		stop_with_advice "dockerd did not start."
	}
	remove "label=$label" # a run that was killed together with its engine left it
}

if ! docker info >/dev/null 2>&1; then
	command -v dockerd >/dev/null && command -v docker >/dev/null || install_engine
	[ -n "$service" ] || start_engine
fi

MONGO_IMAGE=$(sh "$here/mongo_image.sh") || exit 1
export MONGO_IMAGE
say "MongoDB is the image $MONGO_IMAGE"

# In a container, testcontainers expects the engine outside and dials the gateway.
# An engine that runs here is on loopback.
if [ -e /.dockerenv ] && [ -e /var/run/docker.pid ]; then
	export TESTCONTAINERS_HOST_OVERRIDE="${TESTCONTAINERS_HOST_OVERRIDE-127.0.0.1}"
fi
# Its reaper is an image of its own. The tests and the end of this script remove
# what they started without it, too.
if [ -z "$(docker images -q testcontainers/ryuk)" ] && ! docker manifest inspect testcontainers/ryuk:latest >/dev/null 2>&1; then
	export TESTCONTAINERS_RYUK_DISABLED=true
fi

"$@"
