import { describe, expect, test } from 'vitest'
import { errorTable } from '#core/errors.ts'
import { requestFailure } from '#io/http/failure.ts'

const url = new URL('https://registry.example.com/v2/app/manifests/v1')
const systemError = (code: string) => Object.assign(new Error(`connect ${code}`), { code })

describe('FT-06: a connection that could not be made', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])('because of %s here is no outage of the registry', (code) => {
    const failure = requestFailure(systemError(code), url, 'head')
    expect(failure).toMatchObject({ code: 'overloaded', message: expect.stringContaining(code) })
    expect(errorTable.overloaded).not.toHaveProperty('outage')
  })

  test.each(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH'])('because of %s is one', (code) => {
    expect(requestFailure(systemError(code), url, 'head')).toMatchObject({ code: 'registry-unreachable' })
    expect(errorTable['registry-unreachable']).toHaveProperty('outage')
  })
})
