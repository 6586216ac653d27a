// Downloads for administrators: a backup, and a support bundle.

import { createReadStream, type ReadStream } from 'node:fs'
import { Type } from 'typebox'
import type { ArchiveKind } from '#domain/archives.ts'
import { TelemetryError } from '#domain/errors.ts'
import { callerSignal } from '../caller-signal.ts'
import type { ApiContext, ApiServer } from '../context.ts'

/** A database of some gigabytes on an SD card. */
const TIMEOUT_MS = 30 * 60_000

interface Download {
  readonly kind: ArchiveKind
  readonly summary: string
  readonly mediaType: 'application/x-tar' | 'application/gzip'
  readonly extension: string
}

const DOWNLOADS: readonly Download[] = [
  {
    kind: 'backup',
    summary: 'The data, the configuration and the users in one file, as `telemetryx backup` writes it',
    mediaType: 'application/x-tar',
    extension: 'tar',
  },
  {
    kind: 'support-bundle',
    summary: 'What a helper needs to see, without secrets, as `telemetryx support-bundle` writes it',
    mediaType: 'application/gzip',
    extension: 'tgz',
  },
]

export function registerArchives(app: ApiServer, context: ApiContext): void {
  for (const download of DOWNLOADS) registerDownload(app, context, download)
}

function registerDownload(app: ApiServer, { options }: ApiContext, download: Download): void {
  const { kind, summary, mediaType, extension } = download
  app.post(
    `/api/v1/${kind}`,
    {
      // It changes nothing, but what leaves with it should be known.
      config: { access: 'admin', audit: `${kind}.download` },
      handlerTimeout: TIMEOUT_MS,
      schema: {
        tags: ['gateway'],
        summary,
        description: 'Takes as long as the copy takes; one at a time.',
        response: {
          200: { content: { [mediaType]: { schema: Type.Unsafe<ReadStream>({ type: 'string', format: 'binary' }) } } },
        },
      },
    },
    async (request, reply) => {
      const { archives, info, clock } = options
      if (!archives) throw new TelemetryError('NOT_FOUND', 'This gateway makes no archives of itself')
      const archive = await archives.make(kind, callerSignal(request, reply))
      request.auditDetails = { target: info.id, after: { bytes: archive.bytes } }
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      const stream = createReadStream(archive.path)
      stream.once('close', () => void archive.remove())
      return reply
        .header('content-disposition', `attachment; filename="${info.id}-${kind}-${day}.${extension}"`)
        .header('content-length', archive.bytes)
        .type(mediaType)
        .send(stream)
    },
  )
}
