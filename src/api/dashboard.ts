// The built pages at `/`, of a gateway or of central: hashed assets may be kept for ever, the page itself is asked for each time.
// Addresses that only the page knows get the page. Without a build, a plain page says how to make one.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiServer } from './context.ts'

/** Name with a content hash, as Vite writes it: `index-B7PI925R.js`. */
const HASHED = /-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/

/** Which page of the build a server shows, and what it calls itself where there is no build. */
export interface ServedPage {
  readonly file: string
  readonly product: string
  readonly pages: string
  readonly process: string
}

const GATEWAY_PAGE: ServedPage = {
  file: 'index.html',
  product: 'TelemetryX Edge',
  pages: 'The dashboard has',
  process: 'the gateway',
}

function notBuilt({ pages, process, product }: ServedPage): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${product}</title>
<h1>${product} is running</h1>
<p>${pages} not been built. Build it with <code>npm run build</code> and start ${process} again.</p>
<p>The API is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</html>
`
}

/**
 * Serves `folder`. Answers what to do with a GET for an unknown address outside of the API: true when it was answered.
 */
export async function registerDashboard(
  app: ApiServer,
  folder: string | null,
  page: ServedPage = GATEWAY_PAGE,
): Promise<(request: FastifyRequest, reply: FastifyReply) => boolean> {
  if (folder === null || !existsSync(join(folder, page.file))) {
    return (request, reply) => {
      if (!wantsPage(request)) return false
      reply
        .code(200)
        .type('text/html; charset=utf-8')
        .header('cache-control', 'no-cache')
        .serializer(String)
        .send(notBuilt(page))
      return true
    }
  }
  await app.register(fastifyStatic, {
    root: folder,
    prefix: '/',
    index: page.file,
    // The build holds the page of the other server too.
    allowedPath: (path) => !path.endsWith('.html') || path.replace(/^\//, '') === page.file,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = HASHED.test(path) && path.startsWith(join(folder, 'assets'))
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
    schemaHide: true,
  })
  return (request, reply) => {
    if (!wantsPage(request)) return false
    reply.sendFile(page.file)
    return true
  }
}

/** A browser that opens an address, not a script or image that is missing. */
function wantsPage(request: FastifyRequest): boolean {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead && !request.url.startsWith('/api/') && (request.headers.accept ?? '').includes('text/html')
}
