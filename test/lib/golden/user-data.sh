#!/bin/bash
# User data: turns a fresh Ubuntu machine into a worker. cloud-init runs it once, as root, late in the first boot.
# lib/user-data.ts fills in the words between double @s. The machine must never outlive its work: shutting down
# terminates it (launch template), so every way out of here and of the worker ends in a power-off.
set -Eeuo pipefail

# First of all the hard limit, kept by systemd itself whatever becomes of this script and of the worker.
systemd-run --quiet --unit=spotreel-lifetime --on-active=86400s systemctl poweroff

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
#!/bin/bash
# What takes most of a boot: ffmpeg and its cage, what recognises speech, Node, the worker and its unit. lib/user-data.ts
# fills in the words between double @s and puts this into bootstrap.sh, which runs it at boot, and into bake.sh, which
# runs it once for a machine image. So nothing here is of one machine, and no setting of the worker's environment.
set -Eeuo pipefail

readonly HOME_DIR=/opt/spotreel
readonly METADATA=http://169.254.169.254/latest

# Runs a command up to five times.
retry() {
  local try
  for try in 1 2 3 4 5; do
    if "$@"; then return 0; fi
    echo "spotreel: try $try of $1 failed" >&2 # never $*, which may hold a secret
    sleep $((try * 3))
  done
  return 1
}

apt() {
  timeout 600 apt-get --quiet --quiet --option DPkg::Lock::Timeout=120 --option Acquire::Languages=none \
    --option Acquire::http::Timeout=20 --option Dpkg::Options::=--force-unsafe-io \
    --option Dpkg::Options::=--force-confold --option Dpkg::Use-Pty=0 "$@"
}

# An image that is too old has our folder: with ffmpeg, the libraries that read uploads are renewed.
update_and_install() {
  apt update || return
  [[ ! -e $HOME_DIR ]] || apt upgrade --yes || return
  apt install --yes --no-install-recommends "$@"
}

# Nothing but ffmpeg and its cage. The daily upgrades would hold apt's locks, and this machine is gone before it needs them;
# a crash while dpkg skips its syncs loses nothing, for nobody boots that disk again.
install_ffmpeg() {
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  systemctl mask --now --quiet apt-daily.timer apt-daily-upgrade.timer apt-daily.service \
    apt-daily-upgrade.service unattended-upgrades.service || true
  echo 'man-db man-db/auto-update boolean false' | debconf-set-selections
  retry update_and_install ffmpeg bubblewrap
}

# What recognises speech. Without it videos have no generated subtitles, which is no reason not to encode them.
install_speech() {
  local packages='pocketsphinx pocketsphinx-en-us'
  [[ -z $packages ]] && return
  # shellcheck disable=SC2086 # one word a package
  apt install --yes --no-install-recommends $packages || echo "spotreel: no $packages" >&2
}

# Reads the role's credentials from the instance metadata service, version 2.
read_credentials() {
  local token role
  token=$(retry curl --fail --silent --show-error --max-time 5 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 600' "$METADATA/api/token")
  local ask=(curl --fail --silent --show-error --max-time 5 --header "X-aws-ec2-metadata-token: $token")
  role=$(retry "${ask[@]}" "$METADATA/meta-data/iam/security-credentials/")
  read -r KEY_ID SECRET_KEY SESSION_TOKEN < <(
    retry "${ask[@]}" "$METADATA/meta-data/iam/security-credentials/$role" |
      python3 -c 'import json, sys; c = json.load(sys.stdin); print(c["AccessKeyId"], c["SecretAccessKey"], c["Token"])'
  )
}

# Fetches a URL of S3 into a file. Secrets go in by standard input, so that no process list shows them.
download() {
  curl --config - --fail --silent --show-error --connect-timeout 10 --max-time 300 --output "$2" "$1" <<CONFIG
aws-sigv4 = "aws:amz:eu-central-1:s3"
user = "$KEY_ID:$SECRET_KEY"
header = "x-amz-security-token: $SESSION_TOKEN"
header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"
CONFIG
}

install_worker() {
  id spotreel >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin spotreel
  mkdir -p "$HOME_DIR"
  retry download 'https://s3.eu-central-1.amazonaws.com/assets/worker.mjs' "$HOME_DIR/worker.mjs"
  retry download 'https://s3.eu-central-1.amazonaws.com/assets/node.tgz' "$HOME_DIR/node.tgz"
  echo "0000000000000000000000000000000000000000000000000000000000000000  $HOME_DIR/node.tgz" | sha256sum --check --quiet
  tar --extract --gzip --file="$HOME_DIR/node.tgz" --directory="$HOME_DIR" --strip-components=2 \
    --no-same-owner package/bin/node
  rm "$HOME_DIR/node.tgz"

  # V8 compiles at run time, so no MemoryDenyWriteExecute. An ffmpeg that runs out of memory fails its task, not
  # the worker (OOMPolicy). SIGTERM goes to the worker alone: it hands its tasks back and ends its own children.
  cat >/etc/systemd/system/spotreel-worker.service <<UNIT
[Unit]
Description=Spotreel worker
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=exec
User=spotreel
EnvironmentFile=/etc/spotreel/worker.env
ExecStart=$HOME_DIR/node $HOME_DIR/worker.mjs
StandardOutput=journal+console
StandardError=journal+console
StateDirectory=spotreel
UMask=0077
KillMode=mixed
TimeoutStopSec=60
OOMPolicy=continue
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
PrivateTmp=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
SystemCallArchitectures=native
UNIT
  systemctl daemon-reload
}

install_ffmpeg
install_speech
read_credentials
install_worker
}

# Whether the machine's image has it all (lib/prebaked-images.ts): the very same, and of late, for an image gets no fixes.
is_baked() {
  [[ -n $(find '/opt/spotreel/baked-f9be05749b108f78' -mtime -30 2>/dev/null) ]]
}

write_environment() {
  mkdir -p /etc/spotreel
  cat >/etc/spotreel/worker.env <<'ENVIRONMENT'
AWS_REGION='eu-central-1'
UPLOAD_BUCKET='uploads'
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
