#!/usr/bin/env bash
# Makes a bare Debian machine ready: npm packages (Node 24 among them) and the Debian packages named as arguments.
# Quick when nothing is missing. What begins with a plus is installed where that can be done, and done without elsewhere.
# Usage: local/setup.sh [ffmpeg] [+bubblewrap]
set -euo pipefail
cd "$(dirname "$0")/.."

# npm writes its own copy of the lock file last, so an older one means that an install is due.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'spotreel: installing npm packages (once)' >&2
  # Not `npm ci`: it refuses the lock file where a registry does not carry every other platform's binaries.
  npm install --no-save --no-fund --no-audit --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

is_missing() {
  ! command -v "$1" >/dev/null && ! dpkg --status "$1" >/dev/null 2>&1
}

may_install() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

install() {
  echo "spotreel: installing $* (once)" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

needed=()
wanted=()
for package in "$@"; do
  is_missing "${package#+}" || continue
  case $package in
    +*) wanted+=("${package#+}") ;;
    *) needed+=("$package") ;;
  esac
done

if [ "${#needed[@]}" -gt 0 ]; then
  if ! may_install; then
    echo "spotreel needs ${needed[*]}. Install with:  sudo apt-get install ${needed[*]}" >&2
    exit 1
  fi
  install "${needed[@]}"
fi
if [ "${#wanted[@]}" -gt 0 ] && may_install; then
  install "${wanted[@]}" || echo "spotreel: goes on without ${wanted[*]}" >&2
fi
