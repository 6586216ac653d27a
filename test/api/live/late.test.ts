// A client whose upgrade was under way when the hub closed: left open it would hold up the end of the server.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { LiveHub } from '#api/live/hub.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { FakeAlarms, FakeInfo, FakeLatest, makeModel } from '../fakes.ts'

it('a live client that comes after the goodbye is sent away too', async () => {
  const clock = new ManualClock()
  const info = new FakeInfo(makeModel([]))
  const hub = new LiveHub({
    maxClients: 10,
    maxOfAddress: 10,
    epoch: 1,
    latest: new FakeLatest(info),
    alarms: new FakeAlarms(clock),
    model: () => info.model(),
    clock,
    log: silentLogger,
    registry: new Registry(),
  })
  hub.open()
  await hub.close(new AbortController().signal)
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  server.on('connection', (socket) => hub.add(socket, { patterns: [], isAllowed: () => true, address: '127.0.0.1' }))
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => client.terminate())
  const [code] = await once(client, 'close')
  expect(code).toBe(1001)
})
