// A grpc uplink by itself, or a whole gateway's uplinks on a model journal, against a peer.

import type { Command, CommandAnswer, CommandName } from '#domain/command.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery, Lane, UplinkConnection, UplinkNotice } from '#domain/uplink.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'

export const MODEL = modelOf(['press-1.pressure', 'press-1.speed'])
export const never = new AbortController().signal

export interface Opened {
  readonly connection: UplinkConnection
  readonly losses: unknown[]
  readonly notices: UplinkNotice[]
  readonly commands: Command[]
  model: Model
}

export interface OpenOptions {
  readonly config: object
  readonly allowed?: readonly CommandName[]
  readonly answer?: (command: Command) => CommandAnswer
  readonly configDir?: string
}

export function openUplink({ allowed = [], answer, config, configDir }: OpenOptions): Opened {
  const opened: Omit<Opened, 'connection'> & { connection?: UplinkConnection } = {
    losses: [],
    notices: [],
    commands: [],
    model: MODEL,
  }
  const desk = {
    allowed: new Set(allowed),
    run: (command: Command): Promise<CommandAnswer> => {
      opened.commands.push(command)
      return Promise.resolve(answer?.(command) ?? { ok: false, code: 'INTERNAL', message: 'no answer' })
    },
  }
  opened.connection = grpcUplink.open(
    { id: 'brain', config, gateway: 'edge-01', factory: 'Plant A' },
    {
      log: silentLogger,
      model: () => opened.model,
      lost: (cause) => opened.losses.push(cause),
      epoch: 7,
      version: '1.2.3',
      notify: (notice) => opened.notices.push(notice),
      ...(allowed.length === 0 ? {} : { commands: desk }),
      ...(configDir === undefined ? {} : { configDir }),
    },
  )
  return opened as Opened
}

/** `length` readings of `epoch` from position `first` on. */
export async function delivery(epoch: number, length: number, first = 1, lane: Lane = 'inOrder'): Promise<Delivery> {
  const journal = new ModelJournal(epoch)
  for (let n = 1; n < first + length; n++) journal.append(n % 2, n + 0.5, Date.UTC(2026, 10, 20))
  const batch = (await journal.read({ epoch, seq: first - 1 }, length)) as RecordBatch
  return { lane, historical: false, batch, rows: Uint32Array.from(batch.sensor.keys()), rowCount: length }
}

/** A gateway's uplinks on the machine's clock. */
export function startUplinks(config: object, order: 'inOrder' | 'liveFirst' = 'inOrder') {
  const journal = new ModelJournal()
  const uplinks = createUplinks({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0.2,
    journal,
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [{ id: 'brain', kind: grpcUplink, config, include: ['*'], exclude: [], maxRate: null, order }],
  })
  void uplinks.start(never)
  return {
    append: (count: number): void => {
      for (let n = 0; n < count; n++) journal.append(n % 2, n, Date.now())
    },
    journal,
    status: () => uplinks.list()[0]!,
    stop: () => uplinks.stop(never),
  }
}
