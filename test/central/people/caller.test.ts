// What roles and scopes open: the whole table.

import { describe, expect, it } from 'vitest'
import { ROLES } from '#api/auth/roles.ts'
import { allows, authorise, PERMISSIONS, SCOPES, type Caller, type Permission } from '#central/people/caller.ts'

type Asked = Exclude<Permission, 'public'>
const asked = PERMISSIONS.filter((permission): permission is Asked => permission !== 'public')
const opens = (caller: Caller): Asked[] => asked.filter((permission) => allows(caller, permission))

const person = (role: (typeof ROLES)[number], isPlatformAdmin = false): Caller => ({
  name: 'p',
  tenant: 'north',
  tenantNumber: 1,
  via: 'session',
  role,
  isPlatformAdmin,
})
const program = (...scopes: (typeof SCOPES)[number][]): Caller => ({
  name: 'key:k',
  tenant: 'north',
  tenantNumber: 1,
  via: 'key',
  keyId: 'k',
  scopes,
  gateway: null,
})

describe('permissions', () => {
  it('follow the role of a person', () => {
    expect(ROLES.map((role) => opens(person(role)))).toEqual([
      ['known', 'read'],
      ['known', 'read'],
      ['known', 'read', 'change'],
      ['known', 'read', 'change', 'administer'],
    ])
    expect(opens(person('admin', true))).toEqual(['known', 'read', 'change', 'administer', 'metrics', 'platform'])
  })

  it('follow the scopes of a key', () => {
    expect(SCOPES.map((scope) => opens(program(scope)))).toEqual([
      ['known', 'ingest'],
      ['known', 'read'],
      ['known', 'read', 'change'],
      ['known', 'read', 'change', 'administer'],
      ['known', 'metrics'],
    ])
    expect(opens(program('ingest', 'read'))).toEqual(['known', 'read', 'ingest'])
    expect(opens(program())).toEqual(['known'])
  })

  it('say what is missing', () => {
    expect(() => authorise(null, 'read')).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
    expect(() => authorise(person('viewer'), 'change')).toThrow('This needs the role engineer; p is viewer')
    expect(() => authorise(program('ingest'), 'read')).toThrow('This needs a key with the scope read')
    expect(() => authorise(person('admin'), 'platform')).toThrow(expect.objectContaining({ code: 'PERMISSION_DENIED' }))
  })
})
