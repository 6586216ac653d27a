// A route cannot be forgotten: one that does not say who may call it, or what its change is called, is refused when the server is built.

import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { installAccess } from '#api/auth/access.ts'
import type { ApiContext, ApiServer } from '#api/context.ts'

/** The guard asks nothing of its context before a request comes. */
const guarded = (): ApiServer => {
  const app = fastify() as unknown as ApiServer
  installAccess(app, {} as ApiContext, [])
  return app
}
const handler = async () => ({})

describe('a route that is planted', () => {
  it('without an access is refused', () => {
    const app = guarded()
    expect(() => app.get('/api/v1/planted', {}, handler)).toThrow(
      'The route GET /api/v1/planted does not say who may call it',
    )
    expect(() => app.get('/api/v1/planted', { config: { audit: 'x' } }, handler)).toThrow(
      'does not say who may call it',
    )
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'with %s and without a name for the audit log is refused',
    (method) => {
      const app = guarded()
      const plant = (config: object) => app.route({ method, url: '/api/v1/planted', config, handler })
      expect(() => plant({ access: 'admin' })).toThrow('does not say what its change is called in the audit log')
      expect(() => plant({ access: 'admin', audit: 'planted' })).not.toThrow()
    },
  )

  it('that only reads needs no name, and one outside of the API no access', () => {
    const app = guarded()
    expect(() => app.get('/api/v1/planted', { config: { access: 'viewer' } }, handler)).not.toThrow()
    expect(() => app.get('/page', {}, handler)).not.toThrow()
  })
})
