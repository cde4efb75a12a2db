/** What a player is offered to read, fetched as a player fetches it. */

export interface ReadRendition {
  /** Attributes of its EXT-X-MEDIA, without quotes. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Seconds of each segment. */
  readonly seconds: readonly number[];
  /** The text of each segment. */
  readonly segments: readonly string[];
}

async function textAt(url: URL): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/** The subtitles that a multivariant playlist offers. */
export async function readRenditions(master: string): Promise<ReadRendition[]> {
  const lines = (await textAt(new URL(master))).split('\n');
  const media = lines.filter((line) => line.startsWith('#EXT-X-MEDIA:TYPE=SUBTITLES'));
  return Promise.all(
    media.map(async (line) => {
      const pairs = [...line.matchAll(/([A-Z-]+)=(?:"([^"]*)"|([^,]*))/g)];
      const attributes = Object.fromEntries(
        pairs.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']),
      );
      const url = new URL(attributes['URI'] ?? '', master);
      const playlist = (await textAt(url)).split('\n');
      const seconds = playlist.flatMap((text) => /^#EXTINF:([\d.]+)/.exec(text)?.[1] ?? []).map(Number);
      const names = playlist.filter((text) => text !== '' && !text.startsWith('#'));
      return {
        attributes,
        seconds,
        segments: await Promise.all(names.map((name) => textAt(new URL(name, url)))),
      };
    }),
  );
}

/** The cues of a segment, as they stand: `00:00:01.000 --> 00:00:02.000 Hello`, line ends as ` / `. */
export const cuesOf = (segment: string): string[] =>
  segment
    .trim()
    .split('\n\n')
    .slice(1)
    .map((block) => block.replace('\n', ' ').replaceAll('\n', ' / '));
