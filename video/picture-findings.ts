/** What was noticed about a picture and done about it, in plain words. */
import { describeColour } from './colour.ts';
import type { Finding } from './findings.ts';
import type { FrameRate } from './frame-rate.ts';
import { ORIENTATIONS } from './orientation.ts';
import type { Picture } from './picture.ts';
import type { VideoTrack } from './probe.ts';
import { toNumber } from './rational.ts';

/** A rate in words: 29.97, 25. */
const perSecond = (rate: number): string => `${Number(rate.toFixed(2))} a second`;

/** Findings about the picture's rate. @param seconds that the picture lasts in all */
function rateFindings(video: VideoTrack, found: FrameRate, seconds: number): Finding[] {
  const { steady, framesPerSlot, measured } = found;
  const rate = toNumber(found.rate);
  if (measured === undefined) {
    const text = `The picture is one still image; it is shown for ${seconds.toFixed(2)} s, in ${perSecond(rate)}.`;
    return [{ code: 'still-image', text }];
  }
  const say = (text: string): Finding[] => [{ code: 'frame-rate', text }];
  if (!steady)
    return say(
      `The frames come at an uneven rate (${perSecond(measured)} on average); they were laid on a steady ${perSecond(rate)}, each where it belongs, so that motion and sound stay together.`,
    );
  if (framesPerSlot > 1)
    return say(
      `The picture has ${perSecond(measured)}, more than players show; one frame of ${framesPerSlot} was kept, which is ${perSecond(rate)}.`,
    );
  if (framesPerSlot < 1)
    return say(
      `The picture has a frame every ${(1 / measured).toFixed(1)} s, too few for streaming; each is repeated, which makes ${perSecond(rate)}.`,
    );
  const lie = video.claimedRates.map(toNumber).find((claimed) => claimed > 1.5 * 60);
  if (lie === undefined) return [];
  return say(`The file says ${perSecond(lie)}; measured were ${perSecond(measured)}, and those were kept.`);
}

function shapeFindings(video: VideoTrack, picture: Picture): Finding[] {
  const findings: Finding[] = [];
  if (picture.orientation) {
    const text = `The picture is stored ${ORIENTATIONS[picture.orientation].text}; it was made upright.`;
    findings.push({ code: 'turned', text });
  }
  const { width, height } = picture;
  const stored = `${video.coded.width} x ${video.coded.height}`;
  if (video.aspect !== 1) {
    const text = `Its ${stored} pixels are not square; the picture was stretched to ${width} x ${height}.`;
    findings.push({ code: 'stretched', text });
  }
  return findings;
}

function colourFindings(video: VideoTrack, { colour, transparent }: Picture): Finding[] {
  const findings: Finding[] = [];
  if (colour?.hdr) {
    const name = { pq: 'HDR10 (PQ)', hlg: 'HLG' }[colour.hdr.transfer];
    const vision = video.dolbyVision === undefined ? '' : `Dolby Vision (profile ${video.dolbyVision}) on `;
    const text = `The picture is ${vision}${name}, with up to ${colour.hdr.peakNits} nits; it was converted to standard range (BT.709).`;
    findings.push({ code: 'tone-mapped', text });
  } else {
    const seen = describeColour(video.colour);
    if (seen.length > 0) {
      const text = `The picture's colours come with ${seen.join(', ')}; they were converted to what every player shows: BT.709, limited range, 8 bits.`;
      findings.push({ code: 'colours', text });
    }
  }
  if (transparent)
    findings.push({ code: 'transparent', text: 'Transparent parts of the picture are shown on black.' });
  return findings;
}

function fieldFindings({ flagged }: VideoTrack, { fieldOrder }: Picture, rate: number): Finding[] {
  if (fieldOrder) {
    const said =
      flagged === fieldOrder ? '' : `, though the file says ${flagged ? 'otherwise' : 'nothing of it'}`;
    const first = fieldOrder === 'top-first' ? 'upper' : 'lower';
    const text = `The picture is interlaced, the ${first} lines first${said}; it was deinterlaced to ${perSecond(rate)}.`;
    return [{ code: 'deinterlaced', text }];
  }
  if (!flagged) return [];
  const text =
    'The file says that the picture is interlaced, but its frames are whole; they were left as they are.';
  return [{ code: 'interlaced-flag', text }];
}

/** Findings about the picture itself. @param seconds that it lasts in all */
export function pictureFindings(
  video: VideoTrack,
  picture: Picture,
  found: FrameRate,
  seconds: number,
): Finding[] {
  const findings = [
    ...shapeFindings(video, picture),
    ...fieldFindings(video, picture, toNumber(found.rate)),
    ...rateFindings(video, found, seconds),
    ...colourFindings(video, picture),
  ];
  if (video.otherPictures > 0) {
    const text = `The file has ${video.otherPictures + 1} video tracks; track ${video.stream} (${video.codec}, ${video.coded.width} x ${video.coded.height}) was taken as the picture.`;
    findings.push({ code: 'picture-choice', text });
  }
  return findings;
}
