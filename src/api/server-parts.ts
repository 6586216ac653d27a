// What every HTTP server of ours has: security headers, and a parser that takes an empty body for none.

import fastifyHelmet from '@fastify/helmet'
import type { ApiServer } from './context.ts'

/** Half a year: browsers then ask for nothing but HTTPS. */
const HSTS_SECONDS = 180 * 86_400

/** Clients that always name the media type send it with an empty body too: that is no body. */
export function acceptEmptyJson(app: ApiServer): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, null)
    else void parse(request, text, done)
  })
}

/** `isTrusted`: encrypted by a certificate that browsers trust, as far as the gateway can know. */
export async function registerSecurityHeaders(app: ApiServer, isTrusted: boolean): Promise<void> {
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // With a certificate that the gateway made, it would take away the browser's button to go on all the same.
    strictTransportSecurity: isTrusted ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
    // Meaningless over plain HTTP, where browsers only complain about them.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  })
}
