import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressKind, hostKind } from '#io/http/address.ts'
import { guardedLookup, guardHost, type Resolve } from '#io/http/guard.ts'

describe('the kind of an address', () => {
  it.each([
    ['169.254.169.254', 'forbidden'],
    ['169.254.170.2', 'forbidden'],
    ['169.253.255.255', 'public'],
    ['169.255.0.0', 'public'],
    ['100.100.100.200', 'forbidden'],
    ['100.100.100.201', 'local'],
    ['168.63.129.16', 'forbidden'],
    ['168.63.129.17', 'public'],
    ['192.0.0.192', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['255.255.255.255', 'forbidden'],
    ['fe80::1', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
    ['febf::1', 'forbidden'],
    ['fec0::1', 'local'],
    ['fd00:ec2::254', 'forbidden'],
    ['fd00:ec3::254', 'local'],
    ['ff02::1', 'forbidden'],
    ['127.0.0.1', 'local'],
    ['127.255.255.254', 'local'],
    ['0.0.0.0', 'local'],
    ['::1', 'local'],
    ['::', 'local'],
    ['10.1.2.3', 'local'],
    ['172.15.255.255', 'public'],
    ['172.16.0.1', 'local'],
    ['172.31.255.255', 'local'],
    ['172.32.0.0', 'public'],
    ['192.168.1.1', 'local'],
    ['fdab::1', 'local'],
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['::ffff:169.254.169.254', 'forbidden'],
    ['::ffff:a9fe:a9fe', 'forbidden'],
    ['::ffff:8.8.8.8', 'public'],
    ['::ffff:10.0.0.1', 'local'],
    ['::169.254.169.254', 'forbidden'],
    ['64:ff9b::a9fe:a9fe', 'forbidden'],
    ['64:ff9b::808:808', 'public'],
    ['2002:a9fe:a9fe::1', 'forbidden'],
    ['2002:0808:0808::1', 'public'],
  ])('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind)
  })

  it('is the same for an IPv4 address and the IPv6 address that carries it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKind(`::ffff:${address}`)).toBe(addressKind(address))
      }),
    )
  })

  it('is unknown for what is no address', () => {
    for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', ':::']) expect(addressKind(text)).toBeUndefined()
  })
})

describe('the kind of a host in a URL', () => {
  it.each([
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://169.16689662/',
    'http://[::ffff:169.254.169.254]/',
    'http://169.254.169.254./',
    'http://metadata.google.internal/',
    'http://METADATA.google.internal./',
    'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/',
  ])('%s is forbidden', (url) => {
    expect(hostKind(new URL(url).hostname)).toBe('forbidden')
    expect(() => guardHost(new URL(url), 'any')).toThrow(/metadata/)
  })

  it('is local for the names of loopback, and open for other names', () => {
    expect(hostKind('localhost')).toBe('local')
    expect(hostKind('registry.localhost')).toBe('local')
    expect(hostKind('registry.example')).toBeUndefined()
    expect(hostKind('notlocalhost')).toBeUndefined()
  })

  it('may be local unless only public places may be reached', () => {
    expect(() => guardHost(new URL('http://127.0.0.1/'), 'any')).not.toThrow()
    expect(() => guardHost(new URL('http://127.0.0.1/'), 'public')).toThrow(/loopback/)
    expect(() => guardHost(new URL('http://8.8.8.8/'), 'public')).not.toThrow()
  })
})

describe('the lookup of a name', () => {
  const resolving =
    (...addresses: readonly string[]): Resolve =>
    (_hostname, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
  const look = (reach: 'any' | 'public', resolve: Resolve, all = true) =>
    new Promise((settle) => {
      guardedLookup(reach, resolve)('name.example', { all }, (error, addresses) => settle(error ?? addresses))
    })

  it('hands on exactly the addresses that it judged', async () => {
    const asked = await look('any', resolving('8.8.8.8', '10.0.0.1'))
    expect(asked).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ])
    expect(await look('any', resolving('8.8.8.8', '10.0.0.1'), false)).toBe('8.8.8.8')
  })

  it('refuses a name of which one address is forbidden', async () => {
    expect(await look('any', resolving('8.8.8.8', '169.254.169.254'))).toMatchObject({ code: 'address-refused' })
  })

  it('refuses a name of which one address is local where only public places may be reached', async () => {
    expect(await look('public', resolving('8.8.8.8', '10.0.0.1'))).toMatchObject({ code: 'address-refused' })
    expect(await look('public', resolving('8.8.8.8', '8.8.4.4'))).toHaveLength(2)
  })

  it('passes a failed lookup on', async () => {
    const failure = Object.assign(new Error('no'), { code: 'ENOTFOUND' })
    expect(await look('any', (_hostname, _options, done) => done(failure, []))).toBe(failure)
  })
})
