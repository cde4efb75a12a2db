/** `spotreel check`: the conformance checker for a folder or a URL. */
import { checkStream, type Report } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Reader } from '../check/reader.ts';
import { openFolder } from './folder-reader.ts';
import { httpReader } from './http-reader.ts';
import { messageOf } from './text.ts';

const isUrl = (target: string): boolean => /^https?:\/\//i.test(target);

const opened = async (target: string): Promise<{ reader: Reader; url: string }> =>
  isUrl(target) ? { reader: httpReader, url: new URL(target).href } : openFolder(target);

/** A playlist as it is seen from the main one's folder. */
function shortName(playlist: string, main: string): string {
  const folder = new URL('.', main).href;
  return playlist.startsWith(folder) ? playlist.slice(folder.length) : playlist;
}

function describe(
  { severity, section, rule, source, playlist, line, message }: Finding,
  main: string,
): string {
  const place = `${shortName(playlist, main)}${line === undefined ? '' : `:${line}`}`;
  return `${severity.padEnd(7)} ${place}  ${message}  [${section} ${rule}; ${source}]`;
}

const count = (findings: readonly Finding[], severity: Finding['severity']): number =>
  findings.filter((finding) => finding.severity === severity).length;

function describeAll({ url, findings, unchecked, playlists, segments }: Report): string {
  return [
    ...findings.map((finding) => describe(finding, url)),
    ...unchecked.map((what) => `unchecked ${what}`),
    `${url}: ${count(findings, 'error')} errors, ${count(findings, 'warning')} warnings in ${playlists} playlists and ${segments} segments`,
  ].join('\n');
}

/**
 * Checks a stream and prints what is wrong with it.
 * @param target a URL of a playlist, a folder, or a playlist in a folder
 * @returns the exit code: 0 without errors, 1 with, 2 where there is nothing to check
 */
export async function runCheck(target: string, { json = false }: { json?: boolean }): Promise<number> {
  try {
    const { reader, url } = await opened(target);
    const report = await checkStream(reader, url);
    console.log(json ? JSON.stringify(report) : describeAll(report));
    return count(report.findings, 'error') > 0 ? 1 : 0;
  } catch (error) {
    console.error(messageOf(error));
    return 2;
  }
}
