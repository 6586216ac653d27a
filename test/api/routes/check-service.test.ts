// The routes by which a check goes out of service and returns, with a real pipeline desk behind them.

import { describe, expect, it } from 'vitest'
import { AlarmBook } from '#alarms/register.ts'
import type { CheckDesk } from '#domain/views.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { makeAlarm } from '../fakes.ts'
import { get, send, startApi, type Fixture } from '../fixture.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const SENSOR = 'press-1.oil-temperature'
const PATH = `/sensors/${SENSOR}/checks/threshold`

async function start(): Promise<Fixture> {
  const clock = new ManualClock(NOON)
  const book = new AlarmBook({
    epoch: 3,
    now: () => clock.now(),
    journal: () => undefined,
    log: silentLogger,
    openAlarms: [],
  })
  const { checkType, level, severity } = makeAlarm('3-1', SENSOR)
  const checks: CheckDesk = {
    status: () => [],
    trial: () => ({
      operands: [],
      prime: () => undefined,
      observe: () => false,
      take: () => ({ score: 0, alarm: false }),
    }),
    takeOutOfService: (_sensor, check, request) =>
      book.takeCheckOutOfService({ sensor: SENSOR, check, checkType, level, severity, message: 'out' }, request),
    returnToService: (_sensor, check, { by, comment }) =>
      book.returnToService(book.ofCheck(SENSOR, check)!.id, by, comment),
  }
  return startApi({ clock, checks })
}

describe('checks out of service', () => {
  it('take a reason and a time, and answer what stands for the check', async () => {
    const api = await start()
    const { status, json } = await send(api, 'POST', `${PATH}/out-of-service`, { duration: '8h', comment: 'new probe' })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      sensor: SENSOR,
      check: 'threshold',
      active: false,
      outOfService: true,
      outOfServiceUntil: '2026-11-20T20:00:00.000Z',
      lastComment: { text: 'new probe' },
    })
    const back = await send(api, 'POST', `${PATH}/in-service`)
    expect(back.json).toMatchObject({ outOfService: false, outOfServiceUntil: null })
  })

  it('may last until somebody ends it; what cannot be is refused', async () => {
    const api = await start()
    expect((await send(api, 'POST', `${PATH}/out-of-service`)).json.outOfServiceUntil).toBeNull()
    expect((await send(api, 'POST', `${PATH}/out-of-service`)).status).toBe(409)
    expect((await send(api, 'POST', `${PATH}/out-of-service`, { duration: '400d' })).status).toBe(400)
    expect((await send(api, 'POST', '/sensors/press-9.x/checks/a/out-of-service')).status).toBe(404)
  })

  it('are no alerts of the sensor: nothing was raised', async () => {
    const api = await start()
    const stands = makeAlarm('3-9', SENSOR, {
      active: false,
      acknowledged: true,
      neverRaised: true,
      outOfService: true,
    })
    api.alarms.put({ ...stands, raisedAt: NOON - 1000, clearedAt: NOON - 1000 })
    api.history.addTransition('outOfService', NOON - 1000, stands)
    expect((await get(api, `/sensors/${SENSOR}/alerts`)).json.items).toEqual([])
    expect((await get(api, '/alarms?state=outOfService')).json.items).toHaveLength(1)
  })

  it('take a time at an alarm too', async () => {
    const api = await start()
    api.alarms.put(makeAlarm('3-1', SENSOR))
    const { json } = await send(api, 'POST', '/alarms/3-1/out-of-service', { duration: '1h' })
    expect(json).toMatchObject({ outOfService: true, outOfServiceUntil: '2026-11-20T13:00:00.000Z' })
  })
})
