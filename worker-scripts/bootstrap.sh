#!/bin/bash
# User data: turns a fresh Ubuntu machine into a worker. cloud-init runs it once, as root, late in the first boot.
# lib/user-data.ts fills in the words between double @s. The machine must never outlive its work: shutting down
# terminates it (launch template), so every way out of here and of the worker ends in a power-off.
set -Eeuo pipefail

# First of all the hard limit, kept by systemd itself whatever becomes of this script and of the worker.
systemd-run --quiet --unit=spotreel-lifetime --on-active=@@MAX_LIFETIME_SECONDS@@s systemctl poweroff

finish() {
  local status=$?
  ((status == 0)) && return
  # cloud-init copies this to the console: `aws ec2 get-console-output` shows why a boot failed.
  echo "spotreel: the boot failed with status $status; powering off" >&2
  systemctl poweroff
}
trap finish EXIT
trap 'echo "spotreel: line $LINENO failed: $BASH_COMMAND" >&2' ERR

# Installs everything: install.sh.
install_all() {
  echo 'spotreel: installs'
@@INSTALL@@
}

# Whether the machine's image has it all (lib/prebaked-images.ts): the very same, and of late, for an image gets no fixes.
is_baked() {
  [[ -n $(find '@@STAMP@@' -mtime -30 2>/dev/null) ]]
}

write_environment() {
  mkdir -p /etc/spotreel
  cat >/etc/spotreel/worker.env <<'ENVIRONMENT'
@@WORKER_ENVIRONMENT@@
ENVIRONMENT
}

# Ubuntu lets only programs that it knows make user namespaces, which the cage is made of.
allow_namespaces() {
  local restriction=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
  [[ ! -e $restriction ]] || echo 0 >"$restriction"
}

# A chunk of 4K in several codecs takes more memory than the smallest machine has: slowly is better than never.
# Half of the disk is left for scratch files.
add_swap() {
  local free_kib
  free_kib=$(df --output=avail / | tail -n 1)
  fallocate --length $((free_kib / 2))KiB /swapfile && chmod 600 /swapfile && mkswap --quiet /swapfile && swapon /swapfile
}

is_baked || install_all
write_environment
allow_namespaces
add_swap || echo 'spotreel: no swap' >&2
systemctl start spotreel-worker.service
echo 'spotreel: the worker runs'
