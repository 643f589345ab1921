import { describe, expect, it } from 'vitest'
import { guardRealm, sameSite } from '#io/registry/realm.ts'

const rules = { allowedRealms: ['auth.partner.example', 'auth.port.example:8443'] }
const guard = (realm: string, registry: string) => guardRealm(realm, new URL(registry), rules)

describe('a realm that may see credentials', () => {
  it.each([
    ['https://registry.example/token', 'https://registry.example/'],
    ['https://registry.example:8443/token', 'https://registry.example/'],
    ['https://auth.docker.io/token', 'https://registry-1.docker.io/'],
    ['https://dockerauth.cn-hangzhou.aliyuncs.com/auth', 'https://registry.cn-hangzhou.aliyuncs.com/'],
    ['https://auth.partner.example/token', 'https://registry.example/'],
    ['https://auth.port.example:8443/token', 'https://registry.example/'],
    ['https://auth.shop.co.uk/token', 'https://registry.shop.co.uk/'],
    ['https://10.0.0.1/token', 'https://10.0.0.1:5000/'],
    ['http://localhost:5001/token', 'http://localhost:5000/'],
    ['https://localhost:5001/token', 'http://localhost:5000/'],
  ])('%s for %s', (realm, registry) => {
    expect(guard(realm, registry).href).toBe(realm)
  })
})

describe('a realm that may not', () => {
  it.each([
    ['http://registry.example/token', 'https://registry.example/', 'https'],
    ['http://auth.example/token', 'http://registry.example/', 'https'],
    ['http://auth.partner.example/token', 'https://registry.example/', 'https'],
    ['https://evil.test/token', 'https://registry.example/', 'belong'],
    ['https://registry.example.evil.test/token', 'https://registry.example/', 'belong'],
    ['https://evilregistry.example/', 'https://registry.test/', 'belong'],
    ['https://auth.other.co.uk/token', 'https://registry.shop.co.uk/', 'belong'],
    ['https://co.uk/token', 'https://registry.co.uk/', 'belong'],
    ['https://10.0.0.2/token', 'https://10.0.0.1/', 'belong'],
    ['https://[fd00::2]/token', 'https://[fd00::1]/', 'belong'],
    ['https://auth/token', 'https://registry/', 'belong'],
    ['https://mine.s3.amazonaws.com/t', 'https://1.dkr.ecr.us-east-1.evilaws.com/', 'belong'],
    ['https://evil.svc.cluster.local/t', 'https://registry.svc.cluster.local/', 'belong'],
    ['https://10.0.0.1.nip.io/t', 'https://192.168.0.1.nip.io/', 'belong'],
    ['https://auth.port.example/token', 'https://registry.test/', 'belong'],
    ['https://user:password@registry.example/token', 'https://registry.example/', 'user name'],
    ['ftp://registry.example/token', 'https://registry.example/', 'https'],
    ['/token', 'https://registry.example/', 'no URL'],
    ['https://', 'https://registry.example/', 'no URL'],
  ])('%s for %s', (realm, registry, reason) => {
    expect(() => guard(realm, registry)).toThrow(reason)
  })

  it('is not shown with its query', () => {
    expect(() => guard('https://evil.test/x?password=p', 'https://registry.example/')).not.toThrow('password')
  })
})

describe('one site', () => {
  it('is never one where anybody can have a name', () => {
    expect(sameSite('a.blob.core.windows.net', 'b.blob.core.windows.net')).toBe(false)
    expect(sameSite('registry.team-a.svc.cluster.local', 'auth.team-a.svc.cluster.local')).toBe(false)
  })

  it('does not depend on case or a final dot', () => {
    expect(sameSite('Registry.Example.COM.', 'auth.example.com')).toBe(true)
  })
})
