import { describe, expect, it } from 'vitest'
import type { Device, Session } from '../../../src/ui/client/wire.ts'
import { LiveSensor } from '../../../src/ui/state/live-sensor.ts'
import { Plant } from '../../../src/ui/state/plant.ts'
import { makeAlarm, makeSensor } from './make.ts'

const T0 = 1_000_000

function makePlant(...ids: string[]): Plant {
  const plant = new Plant(T0)
  plant.live.value = 'live'
  const machines = [...new Set(ids.map((id) => id.split('.')[0]!))].map((id) => ({
    id,
    name: id,
    factory: 'f',
    sensors: 1,
  }))
  plant.setModel(
    machines,
    ids.map((id) => new LiveSensor(makeSensor(id), plant)),
  )
  return plant
}

function put(plant: Plant, id: string, value: number | null, time = T0): void {
  const live = plant.sensor(id)!
  live.take({ sensor: id, value, quality: value === null ? 'bad' : 'good', status: '', time, receivedAt: time }, false)
  live.flush()
}

const device = (id: string, state: Device['state']): Device => ({
  id,
  state,
  driver: 'modbus',
  machine: id,
  bus: '',
  since: T0,
  reason: null,
  sensors: 1,
  badSensors: 0,
  polls: 0,
  skippedPolls: 0,
  requests: 0,
  reconnects: 0,
  errors: {},
  pollMs: null,
  lagMs: null,
  lastReadingAt: null,
  busUtilisation: null,
  plan: null,
})

describe('the plant', () => {
  it('keeps machines in the order that people expect: line 2 before line 10', () => {
    const plant = makePlant('line-10.a', 'line-2.a', 'line-1.a')
    expect(plant.machines.value.map(({ machine }) => machine.id)).toEqual(['line-1', 'line-2', 'line-10'])
  })

  it('shows a machine in the state of its worst sensor, and of its device', () => {
    const plant = makePlant('press.a', 'press.b')
    const { condition } = plant.machine('press')!
    put(plant, 'press.a', 1)
    expect(condition.value).toBe('waiting')
    put(plant, 'press.b', 1)
    expect(condition.value).toBe('normal')
    plant.putAlarm(makeAlarm('1', 'press.b', { severity: 'low' }))
    expect(condition.value).toBe('alarm-low')
    plant.devices.value = [device('press', 'down')]
    expect(condition.value).toBe('bad')
    expect(plant.sensor('press.a')!.condition.value).toBe('stale')
  })

  it('counts active alarms by priority, without those on the shelf, and again when the shelf runs out', () => {
    const plant = makePlant('press.a')
    plant.putAlarm(makeAlarm('1', 'press.a', { severity: 'urgent', shelvedUntil: T0 + 1000 }))
    plant.putAlarm(makeAlarm('2', 'press.a', { severity: 'high', active: false }))
    expect(plant.activeCounts.value).toEqual({ urgent: 0, high: 0, medium: 0, low: 0 })
    expect(plant.openAlarms.value.map(({ id }) => id)).toEqual(['2'])
    plant.now.value = T0 + 1000
    expect(plant.activeCounts.value.urgent).toBe(1)
    expect(plant.shelvedAlarms.value).toEqual([])
  })

  it('moves an alarm that is over and acknowledged to those that ended', () => {
    const plant = makePlant('press.a')
    plant.putAlarm(makeAlarm('1', 'press.a'))
    plant.putAlarm(makeAlarm('1', 'press.a', { active: false, acknowledged: true }))
    expect(plant.alarms.value.size).toBe(0)
    expect(plant.ended.value.map(({ id }) => id)).toEqual(['1'])
  })

  it('lets a viewer look only, and everyone do all when authentication is off', () => {
    const plant = makePlant()
    const session = (role: NonNullable<Session['user']>['role'], auth: Session['auth'] = 'required'): Session => ({
      auth,
      setup: false,
      user: { name: 'x', role },
    })
    plant.session.value = session('viewer')
    expect(plant.may('operator')).toBe(false)
    plant.session.value = session('operator')
    expect([plant.may('operator'), plant.may('engineer')]).toEqual([true, false])
    plant.session.value = session('viewer', 'none')
    expect(plant.may('engineer')).toBe(true)
  })
})

describe('a live sensor', () => {
  it('becomes stale when it is silent for longer than usual, whatever an outage before has taught it', () => {
    const plant = makePlant('press.a')
    const live = plant.sensor('press.a')!
    put(plant, 'press.a', 1)
    put(plant, 'press.a', 2, T0 + 1000)
    put(plant, 'press.a', null, T0 + 2000)
    put(plant, 'press.a', 3, T0 + 900_000)
    plant.now.value = T0 + 900_000 + 15_000
    expect(live.condition.value).toBe('normal')
    plant.now.value += 1000
    expect(live.condition.value).toBe('stale')
  })
})
