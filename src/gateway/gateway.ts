// The door of the gateway: opens its store, has its parts made, and starts them.

import type { EventEntry } from '#domain/alarm.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'
import { composeGateway } from './compose.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { RunningGateway, type Gateway } from './gateway-life.ts'
import { StoreAlarms } from './store-alarms.ts'

export type { Gateway, StopOptions } from './gateway-life.ts'
export type { GatewayOptions } from './gateway-options.ts'

/** Starts a gateway; resolves once it serves, whether or not devices and uplinks can be reached. Throws PORT_IN_USE, STORE_LOCKED, … */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, clock, log } = options
  const registry = new Registry()
  const early: EventEntry[] = []
  let record: (event: EventEntry) => void = (event) => void early.push(event)
  const store = await openStore({
    dataDir: config.data,
    ...config.store,
    buffer: config.buffer,
    clock,
    log: log.child({ room: 'store' }),
    registry,
    onEvent: (event) => record(event),
    ...(options.begun && { worker: options.begun.storeWorker }),
  })
  const parts = await composeGateway(options, store, registry).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const alarms = new StoreAlarms(parts.pipeline, store.history.status())
  record = (event) => {
    parts.pipeline.record(event)
    alarms.hear(event)
  }
  for (const event of early) record(event)
  const running = new RunningGateway(options, parts)
  try {
    await running.start()
  } catch (error) {
    await running.stop({ deadlineMs: 5000 })
    throw error
  }
  return running
}
