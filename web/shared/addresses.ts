/** Where the pages are. */

/** The path of a video's page. */
export const watchPath = (id: string): string => `/watch?v=${encodeURIComponent(id)}`;
