// What kind of place an IP address or a host name is, so that nothing from outside can send us to a metadata service or
// into our own network. It resolves no names: `transport.ts` asks it again about every address that a name gave.

import { BlockList, isIP, isIPv4 } from 'node:net'

/** `forbidden` is never connected to; `local` (loopback, private) only where the one who named it is local itself. */
export type AddressKind = 'public' | 'local' | 'forbidden'

/** Link-local (which holds most metadata services), multicast, and metadata services at other addresses. */
const forbidden = listOf([
  '169.254.0.0/16', // link-local: AWS, Azure, Google, Tencent, Oracle metadata
  'fe80::/10', // link-local
  'fd00:ec2::/32', // AWS metadata by IPv6
  'fd20:ce::254/128', // Google metadata by IPv6
  '100.100.100.200/32', // Alibaba metadata
  '168.63.129.16/32', // Azure WireServer
  '192.0.0.192/32', // Oracle metadata, old
  '224.0.0.0/4', // multicast
  'ff00::/8', // multicast
  '255.255.255.255/32', // broadcast
])

const local = listOf([
  '127.0.0.0/8',
  '::1/128',
  '0.0.0.0/8', // this host
  '::/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // shared address space, RFC 6598: clouds use it inside
  'fc00::/7',
  'fec0::/10',
])

/** Names by which clouds publish their metadata services; a proxy would resolve them for us. */
const forbiddenNames = ['metadata.google.internal', 'metadata.tencentyun.com', 'instance-data.ec2.internal', 'metadata']

/** The kind of an IP address in its usual spelling; `undefined` for anything else. IPv6 that carries IPv4 is both. */
export function addressKind(address: string): AddressKind | undefined {
  const family = isIP(address)
  if (family === 0) return undefined
  const kind = kindByList(address, family === 4 ? 'ipv4' : 'ipv6')
  const inner = family === 6 ? embeddedIPv4(address) : undefined
  if (inner === undefined || kind === 'forbidden') return kind
  const innerKind = kindByList(inner, 'ipv4')
  return innerKind === 'public' ? kind : innerKind
}

/**
 * The kind of a host as it stands in a `URL` (which has already rewritten decimal, octal and hexadecimal spellings of
 * IPv4): `undefined` for a name, whose kind is that of the addresses it resolves to.
 */
export function hostKind(hostname: string): AddressKind | undefined {
  const bare = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname
  const name = bare.replace(/\.$/, '').toLowerCase()
  if (forbiddenNames.includes(name)) return 'forbidden'
  if (name === 'localhost' || name.endsWith('.localhost')) return 'local'
  return addressKind(name.split('%', 1)[0] ?? name)
}

function kindByList(address: string, family: 'ipv4' | 'ipv6'): AddressKind {
  if (forbidden.check(address, family)) return 'forbidden'
  return local.check(address, family) ? 'local' : 'public'
}

/** IPv4 inside IPv6: mapped and compatible (RFC 4291), translated (RFC 6052), 6to4 (RFC 3056). */
function embeddedIPv4(address: string): string | undefined {
  const groups = groupsOf(address)
  const prefix = groups.slice(0, 6).join(':')
  if (groups[0] === 0x2002) return dotted(groups[1], groups[2])
  const carries = prefix === '0:0:0:0:0:65535' || prefix === '0:0:0:0:0:0' || prefix === `${0x64}:${0xff9b}:0:0:0:0`
  return carries ? dotted(groups[6], groups[7]) : undefined
}

function dotted(high = 0, low = 0): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function groupsOf(address: string): readonly number[] {
  const text = address.split('%', 1)[0] ?? ''
  const [head = '', tail] = text.split('::')
  const before = expand(head)
  const after = tail === undefined ? [] : expand(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...new Array<number>(zeros).fill(0), ...after]
}

function expand(part: string): readonly number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!isIPv4(group)) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [net = '', bits] = range.split('/')
    list.addSubnet(net, Number(bits), isIPv4(net) ? 'ipv4' : 'ipv6')
  }
  return list
}
