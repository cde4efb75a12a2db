/**
 * The one picture of a video that a follower has, made of messages that come late, twice or in any order, and of the
 * API's answers. Percent never goes backwards within an encode. Pure.
 */
import { hasEnded, type Live } from '../../jobs/live-message.ts';
import { TOKEN_PATH } from '../../jobs/token-path.ts';

/** How a video stands, and the encode that will take the place of the one that plays. */
export interface LiveVideo extends Live {
  readonly next?: Live | undefined;
}

/** The public is not told of revisions: what names none is about the one that is known. */
const isSameEncode = (known: Live, other: Live): boolean =>
  known.revision === undefined || other.revision === undefined || known.revision === other.revision;

/** The larger of what two views of one encode saw done. */
const mostDone = (a: Live, b: Live) => ({
  percent: Math.max(a.percent, b.percent),
  encodedSeconds: Math.max(a.encodedSeconds ?? 0, b.encodedSeconds ?? 0),
});

/** Whether it plays by a token, which the API alone gives: messages go to all, without one. */
const hasToken = ({ playbackUrl }: Live): boolean => playbackUrl?.startsWith(TOKEN_PATH) === true;

/** Where it can be watched. Not every worker knows that it can be. */
const playbackOf = (known: Live, message: Live) => {
  const { playbackUrl, early } = hasToken(known) || !message.playbackUrl ? known : message;
  return { ...(playbackUrl !== undefined && { playbackUrl }), ...(early && { early }) };
};

/** Whether it says that a video plays, and not where: of a private one only the API can tell. */
const isUnaddressed = ({ state, playbackUrl }: Live): boolean =>
  state === 'ready' && playbackUrl === undefined;

/** One encode after a message about it; undefined where the message can not be the whole truth. */
function advance(known: Live, message: Live): Live | undefined {
  if (message.state === 'ready' && (hasToken(known) || isUnaddressed(message)))
    return known.state === 'ready' ? known : undefined;
  if (hasEnded(message)) return message;
  if (hasEnded(known)) return undefined; // late, or somebody let it go on
  if (known.state === 'encoding' && message.state !== 'encoding') return known;
  return { ...message, ...mostDone(known, message), ...playbackOf(known, message) };
}

/**
 * What is known after a message. Undefined where only the API can tell: the message contradicts what is known, or is
 * about an encode that is not.
 */
export function withMessage(known: LiveVideo | undefined, message: Live): LiveVideo | undefined {
  if (message.state === 'deleted') return message;
  if (!known) return isUnaddressed(message) ? undefined : message;
  if (known.state === 'deleted') return known;
  if (isSameEncode(known, message)) {
    const advanced = advance(known, message);
    return advanced && { ...advanced, next: known.next };
  }
  if (!known.next || !isSameEncode(known.next, message)) return undefined;
  const next = advance(known.next, message);
  return next && (next.state === 'ready' ? next : { ...known, next });
}

/** What only messages tell stays, and what messages saw done beyond finished chunks. */
function refreshed(known: Live | undefined, truth: Live): Live {
  if (!known || hasEnded(known) || hasEnded(truth) || !isSameEncode(known, truth)) return truth;
  return { ...known, ...truth, ...mostDone(known, truth) };
}

/** What is known after the API's answer. A message that came before any answer may have been about the next encode. */
export function withAnswer(known: LiveVideo | undefined, { next, ...truth }: LiveVideo): LiveVideo {
  return { ...refreshed(known, truth), next: next && refreshed(known?.next ?? known, next) };
}
