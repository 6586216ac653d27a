// Addresses without a route: 405 when another method would do, the dashboard's page for a browser, else 404.

import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { TelemetryError } from '#domain/errors.ts'
import type { ApiServer } from './context.ts'
import { RequestError } from './problem.ts'

/** Collects the routes that are registered after it; answers a function that gives the methods of a path. */
export function collectMethods(app: ApiServer): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', (route: RouteOptions) => {
    if (route.url.includes('*')) return
    const pattern = new RegExp(`^${route.url.replace(/[.]/g, '\\.').replace(/:[a-z]+/g, '[^/]+')}$`)
    routes.push({ pattern, methods: [route.method].flat() })
  })
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))]
}

/** Handler of everything that no route takes. */
export function unknownRoute(
  methodsOf: (path: string) => string[],
  page: (request: FastifyRequest, reply: FastifyReply) => boolean,
) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = request.url.split('?', 1)[0]!
    const allowed = methodsOf(path)
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      const allow = allowed.join(', ')
      throw new RequestError('METHOD_NOT_ALLOWED', `${path} knows ${allow}`, { headers: { allow } })
    }
    if (page(request, reply)) return
    throw new TelemetryError('NOT_FOUND', `There is nothing at ${path}`)
  }
}
