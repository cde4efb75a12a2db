/** Ports that the platform takes on this machine: how far each is from that of the pages. */
export const PORT_DISTANCES = { pages: 0, s3: 1, sqs: 2, ec2: 3, iot: 4 } as const;

/** Of the pages, where nobody chooses another. */
export const DEFAULT_PORT = 8080;
/** Of the pages, where the others still have numbers (RFC 9293: 16 bits). */
export const HIGHEST_PORT = 65535 - Math.max(...Object.values(PORT_DISTANCES));
