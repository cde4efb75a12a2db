#!/usr/bin/env bash
# Makes a bare Debian machine ready: npm packages (Node 24 among them) and the Debian packages named as arguments.
# Quick when nothing is missing. Usage: local/setup.sh [ffmpeg] [chromium]
set -euo pipefail
cd "$(dirname "$0")/.."

# npm writes its own copy of the lock file last, so an older one means that an install is due.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'spotreel: installing npm packages (once)' >&2
  # Not `npm ci`: it refuses the lock file where a registry does not carry every other platform's binaries.
  npm install --no-save --no-fund --no-audit --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

missing=()
for package in "$@"; do
  command -v "$package" >/dev/null || dpkg --status "$package" >/dev/null 2>&1 || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "spotreel: installing ${missing[*]} (once)" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "spotreel needs ${missing[*]}. Install with:  sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
