// GET /gateway: which gateway this is and how it is.

import { statfs } from 'node:fs/promises'
import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { isoTime, TimeSchema } from '../time.ts'
import { HealthReasonSchema } from './health.ts'

/** Reason of health while the clock is not trusted. */
const CLOCK_REASON = 'clock-untrusted'
const LICENSE = 'MIT'
const NullableString = Type.Union([Type.String(), Type.Null()])

const GatewaySchema = Type.Object({
  id: Type.String(),
  version: Type.String(),
  epoch: Type.Integer({ description: 'Number of this start.' }),
  startedAt: TimeSchema,
  health: Type.Object({
    status: Type.Enum(['ok', 'degraded', 'failing'], { description: 'failing: a reason is blocking.' }),
    reasons: Type.Array(HealthReasonSchema),
  }),
  clock: Type.Object({
    time: TimeSchema,
    isTrusted: Type.Boolean({
      description: 'false: it has not been set since the start; readings are marked until then.',
    }),
  }),
  disk: Type.Union([Type.Object({ freeBytes: Type.Number(), totalBytes: Type.Number() }), Type.Null()], {
    description: 'Of the data folder; null: unknown.',
  }),
  runtime: Type.Object({
    node: Type.String(),
    platform: Type.String(),
    architecture: Type.String(),
    license: Type.String({ description: 'Of the gateway itself.' }),
  }),
  store: Type.Object({
    state: Type.Enum(['ok', 'failing']),
    bytes: Type.Number(),
    writtenBytes: Type.Number(),
    durableRecords: Type.Number(),
    reason: NullableString,
    quarantined: Type.Union([Type.String(), Type.Null()], {
      description: 'Damaged database file that was set aside at this start.',
    }),
  }),
})

export function registerGateway(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/gateway',
    {
      config: { access: 'viewer' },
      schema: { tags: ['gateway'], summary: 'This gateway and how it is', response: { 200: GatewaySchema } },
    },
    async () => {
      const { info, history, clock } = options
      const reasons = info.health().map(({ code, message, blocking }) => ({ code, message, blocking }))
      const status = reasons.some((reason) => reason.blocking) ? 'failing' : reasons.length > 0 ? 'degraded' : 'ok'
      const { state, bytes, writtenBytes, durableRecords, reason, quarantined } = history.status()
      return {
        id: info.id,
        version: info.version,
        epoch: info.epoch,
        startedAt: isoTime(info.startedAt),
        health: { status: status as 'ok' | 'degraded' | 'failing', reasons },
        clock: { time: isoTime(clock.now()), isTrusted: !reasons.some(({ code }) => code === CLOCK_REASON) },
        disk: await diskOf(options.dataDir),
        runtime: { node: process.version, platform: process.platform, architecture: process.arch, license: LICENSE },
        store: { state, bytes, writtenBytes, durableRecords, reason, quarantined },
      }
    },
  )
}

async function diskOf(folder: string): Promise<{ freeBytes: number; totalBytes: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return null
  }
}
