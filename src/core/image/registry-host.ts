// The host part of image names: what counts as one, and its one normal form. Only hosts that every reader takes for the
// same place get through: Go's dialler and WHATWG URLs differ about odd numbers, so that those are refused.

export const dockerHub = 'docker.io'
/** Its old name, which container runtimes replace. */
const oldDockerHub = 'index.docker.io'

/** RFC 1035 section 2.3.4: a name has at most 253 characters. */
const maxHostLength = 253

export interface HostProblem {
  readonly problem: string
  /** From the start of the host. */
  readonly offset: number
}

/** A first component is a host if it could be nothing else: a dot, a colon, `localhost`, or an upper-case letter. */
export function looksLikeHost(component: string): boolean {
  return component === 'localhost' || /[.:[A-Z]/.test(component)
}

/** A host with its port if any, in lower case, `index.docker.io` as `docker.io`; or the reason why it is none. */
export function normaliseRegistry(written: string): string | HostProblem {
  const { name, port } = splitPort(written)
  const problem = name.startsWith('[') ? ipv6Problem(name) : domainProblem(name)
  if (problem !== undefined) return problem
  if (port !== '' && !isPort(port.slice(1))) {
    return { problem: 'a port is a number from 1 to 65535 without leading zeros', offset: name.length + 1 }
  }
  const registry = written.toLowerCase()
  if (port === '' && !/[.[]/.test(name) && registry !== 'localhost') {
    // In lower case it would be read as a path on Docker Hub, so that the canonical text named another image.
    return { problem: `a host without a dot is written with its port, as ${registry}:443`, offset: 0 }
  }
  const host = name.toLowerCase()
  if (host === dockerHub || host === oldDockerHub) {
    if (written === host) return dockerHub
    // They would take it for some other registry, and add no `library/`.
    return {
      problem: `container runtimes know Docker Hub only as ${host}, in lower case and without a port`,
      offset: 0,
    }
  }
  return registry
}

/** The port keeps its colon and is empty if there is none. */
export function splitPort(registry: string): { readonly name: string; readonly port: string } {
  const colon = registry.indexOf(':', registry.startsWith('[') ? registry.indexOf(']') + 1 : 0)
  return colon < 0 ? { name: registry, port: '' } : { name: registry.slice(0, colon), port: registry.slice(colon) }
}

function isPort(digits: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(digits) && Number(digits) <= 65535
}

function domainProblem(host: string): HostProblem | undefined {
  if (host.length > maxHostLength) return { problem: `a host has at most ${maxHostLength} characters`, offset: 0 }
  let start = 0
  const labels = host.split('.')
  for (const label of labels) {
    if (!/^[A-Za-z0-9-]+$/.test(label) || label.startsWith('-') || label.endsWith('-')) {
      return {
        problem: 'a host has labels of letters, digits and inner dashes, with single dots between',
        offset: start,
      }
    }
    start += label.length + 1
  }
  // URLs read `127.1`, `2130706433` and `0x7f.1` as 127.0.0.1; container runtimes ask the DNS for them.
  const numeric = /^([0-9]+|0[xX][0-9A-Fa-f]*)$/.test(labels.at(-1) ?? '')
  if (numeric && !isIpv4(labels)) return { problem: 'a host of numbers is an IPv4 address, as 10.0.0.1', offset: 0 }
  return undefined
}

function isIpv4(labels: readonly string[]): boolean {
  return labels.length === 4 && labels.every((label) => /^(0|[1-9][0-9]{0,2})$/.test(label) && Number(label) < 256)
}

function ipv6Problem(host: string): HostProblem | undefined {
  if (!host.endsWith(']')) return { problem: 'an IPv6 address has a closing bracket, and a port a colon', offset: 0 }
  const halves = host.slice(1, -1).split('::')
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const complete = halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length < 8
  if (complete && groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  return { problem: 'an IPv6 address has eight groups of hexadecimal digits, or :: once, and no zone', offset: 1 }
}
