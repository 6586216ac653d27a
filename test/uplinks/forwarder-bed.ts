// One forwarder on a model journal, a scripted receiver and a clock by hand.

import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import type { UplinkDefinition } from '#uplinks/definition.ts'
import { Forwarder } from '#uplinks/forwarder.ts'
import type { GatewayPorts } from '#uplinks/gateway-ports.ts'
import { ModelJournal, modelOf } from './model-journal.ts'
import { ModelLetters, modelPorts } from './model-letters.ts'
import { ScriptedReceiver } from './scripted-receiver.ts'

export const BED_MODEL = modelOf(['press-1.a', 'oven-1.a'])
export const never = new AbortController().signal

export interface ForwarderBed {
  readonly clock: ManualClock
  readonly journal: ModelJournal
  readonly receiver: ScriptedReceiver
  readonly letters: ModelLetters
  readonly forwarder: Forwarder
  /** So many readings of press-1.a. */
  push(count: number): void
  event(message: string): void
  alarm(sensor: string): void
  /** Seqs as they arrived. */
  seqs(): number[]
}

export function forwarderBed(
  definition: Partial<UplinkDefinition> = {},
  { journal = new ModelJournal(), ports = {} }: { journal?: ModelJournal; ports?: Partial<GatewayPorts> } = {},
): ForwarderBed {
  const clock = new ManualClock()
  const receiver = new ScriptedReceiver()
  const letters = new ModelLetters()
  const forwarder = new Forwarder({
    clock,
    log: silentLogger,
    random: () => 0.5,
    journal,
    model: () => BED_MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    definition: { id: 'hq', kind: receiver.kind, config: {}, include: [], exclude: [], maxRate: null, ...definition },
    onDrop: () => {},
    ports: modelPorts(letters, ports),
  })
  return {
    clock,
    journal,
    receiver,
    letters,
    forwarder,
    push: (count) => {
      for (let n = 0; n < count; n++) journal.append(0, n, clock.now())
    },
    event: (message) => journal.appendEntry({ kind: 'event', message }, clock.now()),
    alarm: (sensor) => journal.appendEntry({ kind: 'alarm', alarm: { sensor, message: 'high' } }, clock.now()),
    seqs: () => receiver.arrivals.map(({ seq }) => seq),
  }
}
