// Asking a device beside its schedule, by HTTP.

import { request } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { get, send, startApi } from '../fixture.ts'

describe('a device is asked now', () => {
  it('tells that it answered, or why it did not', async () => {
    const api = await startApi()
    expect((await send(api, 'POST', '/devices/press-1/probe')).json).toMatchObject({
      answered: true,
      code: null,
      device: { id: 'press-1', state: 'up' },
    })
    expect((await send(api, 'POST', '/devices/mixer/probe')).json).toMatchObject({
      answered: false,
      code: 'TIMEOUT',
      reason: 'No answer within 1 s',
    })
    expect((await send(api, 'POST', '/devices/nope/probe')).status).toBe(404)
  })
})

describe('a block of registers', () => {
  it('comes as registers, high byte first, or as bits, the lowest first', async () => {
    const api = await startApi()
    const holding = await send(api, 'POST', '/devices/press-1/registers', { register: 'holding', address: 7, count: 2 })
    expect(holding.json).toMatchObject({ values: [0x1234, 0xffff], address: 7, unit: null })
    api.devices.block = Uint8Array.of(0b101, 0b1)
    const coils = { register: 'coil', address: 0, count: 9, unit: 4 }
    expect((await send(api, 'POST', '/devices/press-1/registers', coils)).json.values).toEqual([
      1, 0, 1, 0, 0, 0, 0, 0, 1,
    ])
    expect(api.devices.blocks).toEqual([
      { table: 'holding', address: 7, count: 2, unit: null },
      { table: 'coil', address: 0, count: 9, unit: 4 },
    ])
  })

  it('is waited for as long as somebody waits for the answer, and no longer', async () => {
    const api = await startApi()
    const hold = Promise.withResolvers<void>()
    api.devices.blockHold = hold.promise
    const body = { register: 'holding', address: 7, count: 2 }
    const waiting = send(api, 'POST', '/devices/press-1/registers', body)
    await vi.waitFor(() => expect(api.devices.blockSignals).toHaveLength(1), EVENTUALLY)
    await get(api, '/devices') // by now the end of the first request's body has been seen
    expect(api.devices.blockSignals[0]!.aborted).toBe(false)

    const client = request(`${api.url}/api/v1/devices/press-1/registers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    client.on('error', () => {})
    client.end(JSON.stringify(body))
    await vi.waitFor(() => expect(api.devices.blockSignals).toHaveLength(2), EVENTUALLY)
    client.destroy()
    await vi.waitFor(() => expect(api.devices.blockSignals[1]!.aborted).toBe(true), EVENTUALLY)

    hold.resolve()
    expect((await waiting).status).toBe(200)
  })

  it('passes on what the device refuses, and refuses what cannot be', async () => {
    const api = await startApi()
    api.devices.block = new TelemetryError('DEVICE_EXCEPTION', 'Unit 1 refuses: exception 2, illegal data address')
    const refused = await send(api, 'POST', '/devices/press-1/registers', { register: 'input', address: 9, count: 1 })
    expect(refused.status).toBe(502)
    expect(refused.json.detail).toBe('Unit 1 refuses: exception 2, illegal data address')
    for (const body of [
      { register: 'holding', address: -1, count: 1 },
      { register: 'holding', address: 0, count: 0 },
      { register: 'memory', address: 0, count: 1 },
      { register: 'holding', address: 0, count: 1, value: 5 },
    ])
      expect((await send(api, 'POST', '/devices/press-1/registers', body)).status, JSON.stringify(body)).toBe(400)
    const nowhere = { register: 'holding', address: 0, count: 1 }
    expect((await send(api, 'POST', '/devices/nope/registers', nowhere)).status).toBe(404)
  })
})
