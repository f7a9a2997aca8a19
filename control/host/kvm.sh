# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Does KVM work here? Sourced by doctor.sh, up.sh and demo.sh.
#
# The presence of /dev/kvm says little: it can open and a guest still hang for
# ever, or QEMU abort. So a guest is really run, the kernel of the demo image
# without any disk, until it has printed its first line; the answer holds until
# the next boot and is kept in the build folder.

readonly KVM_DEADLINE_S=6

# kvm_probe: prints "ok" or a sentence of what went wrong. Takes up to
# KVM_DEADLINE_S seconds.
kvm_probe() {
	local kernel serial pid tick answer
	[ -e /dev/kvm ] || { echo "there is no /dev/kvm"; return; }
	[ -w /dev/kvm ] ||
		{ echo "/dev/kvm is there, but not for this user"; return; }
	have_program qemu-system-x86_64 ||
		{ echo "QEMU is not installed"; return; }
	kernel=$(printf '%s\n' /boot/vmlinuz-*-cloud-amd64 | sort -V | tail -n 1)
	[ -r "$kernel" ] ||
		{ echo "there is no cloud kernel to try it with"; return; }
	serial=$(mktemp)
	qemu-system-x86_64 -nodefaults -no-user-config -display none \
	    -machine pc,accel=kvm -m 128 -kernel "$kernel" -no-reboot \
	    -append "console=ttyS0 panic=-1" -serial "file:$serial" \
	    < /dev/null > /dev/null 2>&1 &
	pid=$!
	answer="a guest did not print one line in $KVM_DEADLINE_S s: the host of this machine gives no nested virtualisation"
	for ((tick = 0; tick < KVM_DEADLINE_S * 10; tick++)); do
		if grep -q "Linux version" "$serial"; then
			answer=ok
			break
		fi
		if ! kill -0 "$pid" 2> /dev/null; then
			answer="QEMU ended at once"
			break
		fi
		sleep 0.1
	done
	kill -KILL "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	rm -f "$serial"
	echo "$answer"
}

# kvm_answer: as kvm_probe, but asks once a boot.
kvm_answer() {
	local cache=$GW_BUILD/host/kvm boot answer
	boot=$(cat /proc/sys/kernel/random/boot_id)
	if [ -r "$cache" ] && [ "$(head -n 1 "$cache")" = "$boot" ]; then
		tail -n 1 "$cache"
		return
	fi
	answer=$(kvm_probe)
	if mkdir -p "${cache%/*}" 2> /dev/null && [ -w "${cache%/*}" ]; then
		printf '%s\n%s\n' "$boot" "$answer" > "$cache"
	fi
	echo "$answer"
}
