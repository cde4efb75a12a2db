/** Sizes of pictures. */

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The nearest number of pixels that 4:2:0 can have: colours are kept for two by two. */
export const even = (pixels: number): number => Math.max(2, Math.round(pixels / 2) * 2);
