#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw deps: install what control/host/packages names. Quick when all is there.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"

usage() {
	cat <<-'END'
	usage: ./gw deps [test] [bench] [--list]

	Installs the Debian 12 packages that building and running need; with
	"test" also those of the tests, with "bench" those of the benches.
	--list only prints the names. Exit: 0 all is there, 1 could not install.
	END
}

groups='build run' list=
for word; do
	case "$word" in
	--help | -h) usage; exit 0 ;;
	--list) list=1 ;;
	test | bench) groups+=" $word" ;;
	*) wrong "gw deps" "unknown group \"$word\"$(
	    did_you_mean "$word" test bench --list)" ;;
	esac
done

wanted() {
	awk -v groups=" $groups " '!/^#/ && NF > 2 &&
	    index(groups, " " $2 " ") { print $1 }' \
	    "$GW_ROOT/control/host/packages"
}

# Names of wanted packages that dpkg does not know as installed.
missing() {
	local have
	have=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null |
		awk '$1 == "ii" { print $2 }' | sort -u)
	wanted | sort -u | comm -23 - <(printf '%s\n' "$have")
}

if [ -n "$list" ]; then
	wanted
	exit 0
fi
if ! have_program dpkg-query || ! have_program apt-get; then
	fail "gw deps" "there is no apt-get: this needs Debian 12; the names of the packages are in control/host/packages"
fi
mapfile -t packages < <(missing)
if [ ${#packages[@]} -eq 0 ]; then
	echo "all packages are installed ($groups)"
	exit 0
fi
need_root deps "$@"

# Services (nginx) are not to be started by their installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
fi
log=$GW_BUILD/deps.log
mkdir -p "$GW_BUILD"
echo "installing ${#packages[@]} packages, log in ${log#"$GW_ROOT"/}: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get -q update && apt-get -q -y --no-install-recommends \
    install "${packages[@]}"; } < /dev/null > "$log" 2>&1; then
	tail -n 5 "$log" >&2
	fail "gw deps" "apt-get could not install them: see $log, mend the package sources, run it again"
fi
echo "installed ${#packages[@]} packages"
