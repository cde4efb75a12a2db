/** Which addresses belong to the public Internet. Pure. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast and what is reserved above it. */
const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];

/** All that is routed. https://www.iana.org/assignments/ipv6-address-space */
const ROUTED_IPV6 = '2000::/3';

/**
 * https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it lies within what is routed: protocols,
 * documentation, and 6to4, which carries an IPv4 address.
 */
const NOT_PUBLIC_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function blockList(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const notPublicIpv4 = blockList(NOT_PUBLIC_IPV4, 'ipv4');
const routedIpv6 = blockList([ROUTED_IPV6], 'ipv6');
const notPublicIpv6 = blockList(NOT_PUBLIC_IPV6, 'ipv6');

/** Whether an address is one of the public Internet. @param address without brackets; anything else is not */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublicIpv4.check(address, 'ipv4');
  return isIPv6(address) && routedIpv6.check(address, 'ipv6') && !notPublicIpv6.check(address, 'ipv6');
}

const loopback = blockList(['127.0.0.0/8'], 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address is this machine's own. */
export function isLoopbackAddress(address: string): boolean {
  if (isIPv4(address)) return loopback.check(address, 'ipv4');
  return isIPv6(address) && loopback.check(address, 'ipv6');
}
