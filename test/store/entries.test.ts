import { describe, expect, it } from 'vitest'
import type { AlarmEntry } from '#domain/alarm.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 5, 1)

function alarm(id: string, n: number, over: Partial<AlarmEntry['alarm']>): AlarmEntry {
  const finding = { value: n, limit: 3 }
  const base = {
    id,
    sensor: 'a.b',
    check: 'high',
    checkType: 'threshold',
    level: 'high',
    severity: 'medium',
    shelvedUntil: null,
    message: '',
    finding,
  } as const
  const state = {
    active: true,
    acknowledged: false,
    raisedAt: n,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
  }
  return {
    kind: 'alarm',
    change: 'raised',
    time: START + n,
    by: null,
    comment: null,
    alarm: { ...base, ...state, ...over },
  }
}

describe('entries', () => {
  it('are found by kind, sensor, check type and time, newest first, by pages', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    for (let n = 0; n < 25; n++) {
      const entry = alarm(`1-${n}`, Math.floor(n / 2), n % 3 === 0 ? { sensor: 'a.c', checkType: 'zscore' } : {})
      store.ring.pushEntry(entry.time, JSON.stringify(entry))
    }
    store.ring.pushEntry(
      START,
      JSON.stringify({ kind: 'event', type: 'x', severity: 'info', time: START, message: 'm', source: 'gateway' }),
    )
    const query = {
      kind: 'alarm',
      sensor: 'a.b',
      checkTypes: ['threshold'],
      from: START,
      to: START + 12,
      limit: 5,
      cursor: null,
    } as const
    const seqs: number[] = []
    let page = await store.history.entries(query)
    for (;;) {
      seqs.push(...page.items.map(({ position }) => position.seq))
      if (page.next === null) break
      page = await store.history.entries({ ...query, cursor: page.next })
    }
    expect(seqs).toEqual(Array.from({ length: 24 }, (_, n) => 24 - n).filter((seq) => (seq - 1) % 3 !== 0))
    expect(
      (await store.history.entries({ ...query, kind: 'event', sensor: null, checkTypes: null })).items,
    ).toMatchObject([{ entry: { type: 'x' } }])
    await store.close()
  })

  it('leave the alarms that are active or unacknowledged for the next start', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    const push = (entry: AlarmEntry): boolean => store.ring.pushEntry(entry.time, JSON.stringify(entry))
    push(alarm('1-1', 1, {}))
    push(alarm('1-2', 1, {}))
    push(alarm('1-3', 1, {}))
    push(alarm('1-1', 2, { active: false }))
    push(alarm('1-2', 2, { active: false, acknowledged: true }))
    push(alarm('1-3', 2, { acknowledged: true }))
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    expect(
      (await store.history.openAlarms()).map(({ alarm: { id, active }, time }) => [id, active, time - START]),
    ).toEqual([
      ['1-1', false, 2],
      ['1-3', true, 2],
    ])
    await store.close()
  })
})
