// Commands over the stream, through the gateway's real desk: rights, duplicates, and the event that tells who asked.

import { afterEach, expect, it, vi } from 'vitest'
import type { EventEntry } from '#domain/alarm.ts'
import type { Value } from '#domain/value.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { ModelLetters, modelPorts } from '../model-letters.ts'
import { never } from './bed.ts'
import { ScriptedServer } from './scripted-server.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

it('A command over gRPC is carried out once, as far as it is allowed, and is an event with who asked', async () => {
  const server = new ScriptedServer()
  await server.start()
  cleanups.push(() => server.stop())
  const written: Value[] = []
  const events: EventEntry[] = []
  const plain = modelOf(['press-1.pressure', 'oven-1.heat'])
  const sensors = plain.sensors.map((sensor) => ({ ...sensor, writable: true }))
  const model = { ...plain, sensors, sensor: (id: string) => sensors.find((sensor) => sensor.id === id) }
  const write = (_sensor: number, value: Value): Promise<Value> => {
    written.push(value)
    return Promise.resolve(value)
  }
  const commands = { write, acknowledge: () => {}, check: () => Promise.resolve([]) }
  const uplinks = createUplinks({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0.2,
    journal: new ModelJournal(),
    model: () => model,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [
      {
        id: 'brain',
        kind: grpcUplink,
        config: { url: server.url },
        include: ['*'],
        exclude: [],
        maxRate: null,
        commands: { allow: ['write'], write: ['press-*.*'], maxAgeMs: 60_000 },
      },
    ],
    ports: modelPorts(new ModelLetters(), { commands, record: (event) => events.push(event) }),
  })
  await uplinks.start(never)
  cleanups.push(() => uplinks.stop(never))
  await vi.waitFor(() => expect(uplinks.list()[0]).toMatchObject({ state: 'online' }), EVENTUALLY)

  const ask = (id: string, sensor: string): void => {
    const value = { kind: { case: 'number' as const, value: 41.5 } }
    const action = { case: 'write' as const, value: { sensor, value } }
    server.send({ case: 'command', value: { id, by: 'ada', action } })
  }
  ask('w-1', 'press-1.pressure')
  ask('w-1', 'press-1.pressure')
  ask('w-2', 'oven-1.heat')
  await vi.waitFor(() => expect(server.results).toHaveLength(3), EVENTUALLY)
  expect(written).toEqual([41.5])
  const answers = server.results.map(({ errorCode, id }) => `${id}: ${errorCode}`)
  expect(answers.toSorted()).toEqual(['w-1: ', 'w-1: ', 'w-2: PERMISSION_DENIED'])
  expect(JSON.stringify(events)).toContain('ada')
})
