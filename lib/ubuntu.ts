/**
 * The image that machines start from: Ubuntu 24.04 LTS, whose own packages have ffmpeg 6.1 and whose images the agent of
 * Systems Manager.
 */
import type { Architecture } from './instance-types.ts';

const IMAGES = '/aws/service/canonical/ubuntu/server/24.04/stable/current';

/**
 * Parameters that name the current image.
 * https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
 */
export const UBUNTU_PARAMETERS: Readonly<Record<Architecture, string>> = {
  arm64: `${IMAGES}/arm64/hvm/ebs-gp3/ami-id`,
  x86_64: `${IMAGES}/amd64/hvm/ebs-gp3/ami-id`,
};

/** The root device of Ubuntu's images, and of those that are made of them. */
export const ROOT_DEVICE = '/dev/sda1';
