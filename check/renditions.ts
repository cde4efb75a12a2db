/** Rules of EXT-X-MEDIA and its groups (RFC 8216, 4.3.4.1; rows R4, R6, 4.x, 8.10, 9.17 of the checklist). */
import { type Finding, finding } from './finding.ts';
import type { MultivariantPlaylist } from './playlist.ts';
import { attribute, type Tag } from './tokens.ts';

/** The attributes of a variant that name a group, and the TYPE of its members. */
export const GROUP_TYPES = ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'] as const;

const text = (tag: Tag, name: string): string => attribute(tag, name) ?? '';

/** One EXT-X-MEDIA. */
function checkRendition(playlist: string, tag: Tag): Finding[] {
  const findings: Finding[] = [];
  const place = { playlist, line: tag.line };
  const type = text(tag, 'TYPE');
  for (const name of ['TYPE', 'GROUP-ID', 'NAME']) {
    if (text(tag, name) === '') findings.push(finding('media-attributes', place, `${name} is missing`));
  }
  if (text(tag, 'DEFAULT') === 'YES' && text(tag, 'AUTOSELECT') === 'NO') {
    findings.push(finding('autoselect', place, 'DEFAULT=YES, but AUTOSELECT=NO'));
  }
  if (tag.attributes.has('FORCED') && type !== 'SUBTITLES') {
    findings.push(finding('forced', place, `FORCED on TYPE=${type}`));
  }
  const captions = type === 'CLOSED-CAPTIONS';
  if (tag.attributes.has('INSTREAM-ID') !== captions) {
    findings.push(finding('instream-id', place, `TYPE=${type} ${captions ? 'without' : 'with'} INSTREAM-ID`));
  }
  if (captions && tag.attributes.has('URI')) {
    findings.push(finding('instream-id', place, 'closed captions with a URI'));
  }
  if (type !== 'VIDEO' && text(tag, 'LANGUAGE') === '') {
    findings.push(finding('language', place, `'${text(tag, 'NAME')}' has no LANGUAGE`));
  }
  if (text(tag, 'CHARACTERISTICS').includes('public.accessibility') && text(tag, 'AUTOSELECT') !== 'YES') {
    findings.push(finding('accessible', place, `'${text(tag, 'NAME')}' is not AUTOSELECT=YES`));
  }
  return findings;
}

/** What tells renditions apart for a player that chooses by itself (4.3.4.1.1). */
const DISTINCT = ['LANGUAGE', 'ASSOC-LANGUAGE', 'FORCED', 'CHARACTERISTICS'];

/** Whether two are alike to such a player. Accessible ones must be AUTOSELECT=YES (Apple 4.5), however many there are. */
const areAlike = (a: Tag, b: Tag): boolean =>
  [a, b].every((tag) => text(tag, 'AUTOSELECT') === 'YES') &&
  !text(a, 'CHARACTERISTICS').includes('public.accessibility') &&
  DISTINCT.every((name) => text(a, name) === text(b, name));

/** The members of one group among each other. */
function checkGroup(playlist: string, members: readonly Tag[]): Finding[] {
  const findings: Finding[] = [];
  for (const [index, tag] of members.entries()) {
    const place = { playlist, line: tag.line };
    const before = members.slice(0, index);
    if (before.some((other) => text(other, 'NAME') === text(tag, 'NAME'))) {
      findings.push(finding('name-unique', place, `there are two called '${text(tag, 'NAME')}'`));
    }
    if (text(tag, 'DEFAULT') === 'YES' && before.some((other) => text(other, 'DEFAULT') === 'YES')) {
      findings.push(finding('one-default', place, `'${text(tag, 'NAME')}' is a second DEFAULT=YES`));
    }
    const alike = before.find((other) => areAlike(other, tag));
    if (alike) {
      const names = `'${text(tag, 'NAME')}' and '${text(alike, 'NAME')}'`;
      findings.push(
        finding('autoselect-distinct', place, `a player that chooses cannot tell ${names} apart`),
      );
    }
    const special = before.find(
      (other) =>
        text(other, 'LANGUAGE') === text(tag, 'LANGUAGE') &&
        text(other, 'CHARACTERISTICS') &&
        !text(tag, 'CHARACTERISTICS'),
    );
    if (special) {
      findings.push(
        finding('rendition-order', place, `'${text(tag, 'NAME')}' comes after '${text(special, 'NAME')}'`),
      );
    }
  }
  return findings;
}

/** What makes a rendition the same one in another group (4.3.4.2.1). */
const SAME = ['NAME', 'LANGUAGE', 'ASSOC-LANGUAGE', 'DEFAULT', 'AUTOSELECT', 'FORCED', 'CHARACTERISTICS'];

const identity = (tag: Tag): string => SAME.map((name) => `${name}=${text(tag, name)}`).join(' ');

/** Groups of one type offer the same choice, whichever variant plays. */
function checkSameChoice(playlist: string, groups: readonly (readonly Tag[])[]): Finding[] {
  const [first, ...others] = groups;
  const choice = (members: readonly Tag[]) => members.map(identity).toSorted().join('\n');
  return others
    .filter((members) => first !== undefined && choice(members) !== choice(first))
    .map((members) => {
      const [tag] = members;
      const id = tag ? text(tag, 'GROUP-ID') : '';
      return finding(
        'same-renditions',
        { playlist, line: tag?.line },
        `group '${id}' offers other renditions than the first`,
      );
    });
}

/** Every EXT-X-MEDIA, its group, and its group among the others. */
export function checkRenditions({ url, renditions }: MultivariantPlaylist): Finding[] {
  const byType = Map.groupBy(renditions, (tag) => text(tag, 'TYPE'));
  const groups = [...byType.values()].map((members) => [
    ...Map.groupBy(members, (tag) => text(tag, 'GROUP-ID')).values(),
  ]);
  return [
    ...renditions.flatMap((tag) => checkRendition(url, tag)),
    ...groups.flat().flatMap((members) => checkGroup(url, members)),
    ...groups.flatMap((sameType) => checkSameChoice(url, sameType)),
  ];
}
