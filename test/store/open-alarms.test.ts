// What the register needs at the next start, through a real store: also of alarms that are closed but put aside.

import { describe, expect, it } from 'vitest'
import { AlarmBook } from '#alarms/register.ts'
import type { Alarm, AlarmEntry } from '#domain/alarm.ts'
import { silentLogger } from '#kit/logger.ts'
import type { Store } from '#store/store.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const SENSOR = 'press-1.power'
const CHECKS = ['plain', 'shelved', 'out', 'unconfirmed', 'latched', 'suppressed'] as const

function openBook(store: Store, openAlarms: readonly AlarmEntry[]): AlarmBook {
  return new AlarmBook({
    epoch: store.epoch,
    now: () => Date.now(),
    journal: (entry) => expect(store.ring.pushEntry(entry.time, JSON.stringify(entry))).toBe(true),
    log: silentLogger,
    openAlarms,
  })
}

function sorted(alarms: readonly Alarm[]): Alarm[] {
  return alarms.toSorted((a, b) => (a.check < b.check ? -1 : 1))
}

describe('alarms over a restart', () => {
  it('come back when they are shelved, out of service, unconfirmed or latched though they are over', async () => {
    using folder = temporaryFolder()
    const first = (await openTestStore(folder.path)).store
    const book = openBook(first, [])
    for (const check of CHECKS) {
      const rules = { confirm: check === 'unconfirmed', latch: check === 'latched', group: null }
      const common = { level: 'high', severity: 'low', checkType: 'threshold', message: 'm' } as const
      book.report({ ...common, sensor: SENSOR, check, time: Date.now(), finding: { value: 2, limit: 1 }, rules })
      const { id } = book.ofCheck(SENSOR, check)!
      if (check === 'shelved') book.shelve(id, Date.now() + 3_600_000, 'ann', null)
      if (check === 'out') book.takeOutOfService(id, 'ann', null)
      if (check === 'suppressed') book.setSuppressed(SENSOR, check, true, 'stopped')
      else book.acknowledge(id, 'ann', null)
      if (check !== 'suppressed') book.clear(SENSOR, check, Date.now())
    }
    const before = book.list()
    await first.close()
    const second = (await openTestStore(folder.path)).store
    const again = openBook(second, await second.history.openAlarms())
    expect(sorted(again.list())).toEqual(sorted(before))
    expect(
      again
        .list()
        .map(({ check }) => check)
        .toSorted(),
    ).toEqual(['latched', 'out', 'shelved', 'suppressed', 'unconfirmed'])
    expect(again.isSuppressed(SENSOR, 'suppressed')).toBe(true)
    await second.close()
  })
})
