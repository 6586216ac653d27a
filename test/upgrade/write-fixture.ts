// Writes the fixture of the present schema version: `node test/upgrade/write-fixture.ts test/upgrade/version-N`. Run it
// once, before the change that raises the version; the folder is then kept for good.

import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'
import { fillFixture } from './fixture-content.ts'

const YEAR_MS = 31_536_000_000
const store = await openStore({
  dataDir: process.argv[2]!,
  flushIntervalMs: 60_000,
  sync: 'normal',
  retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
  maxBytes: 2 ** 30,
  buffer: { capacity: 65_536, whenFull: 'block' },
  clock: systemClock,
  log: silentLogger,
  registry: new Registry(),
  onEvent: () => {},
})
await fillFixture(store)
await store.close()
