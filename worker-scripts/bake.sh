#!/bin/bash
# What EC2 Image Builder runs, as root, on the machine that it makes an image of (lib/prebaked-images.ts). It cleans up
# itself what is of one machine: its id, SSH's keys, cloud-init's state, logs.
set -Eeuo pipefail

# It writes where packages come from.
cloud-init status --wait >/dev/null || true

@@INSTALL@@

apt-get clean
touch '@@STAMP@@'
