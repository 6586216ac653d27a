// A store in a temporary folder with short intervals, for the tests of this room.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventEntry } from '#domain/alarm.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore, type Store, type StoreOptions } from '#store/store.ts'

export const DAY_MS = 86_400_000
export const YEAR_MS = 365 * DAY_MS

/** A folder that is gone after the test. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'telemetryx-store-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface TestStore {
  readonly store: Store
  readonly events: EventEntry[]
  readonly registry: Registry
}

export async function openTestStore(dataDir: string, options: Partial<StoreOptions> = {}): Promise<TestStore> {
  const events: EventEntry[] = []
  const registry = new Registry()
  const store = await openStore({
    dataDir,
    flushIntervalMs: 20,
    sync: 'normal',
    retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
    maxBytes: 8 * 2 ** 30,
    buffer: { capacity: 65_536, whenFull: 'block' },
    clock: systemClock,
    log: silentLogger,
    registry,
    onEvent: (event) => events.push(event),
    ...options,
  })
  return { store, events, registry }
}

/** Lets the event loop run until `push` is taken. */
export async function pushed(push: () => boolean): Promise<void> {
  while (!push()) await new Promise((resolve) => setImmediate(resolve))
}
