// Who is who: certificates, tokens, addresses; and what a receiver is told.

import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { RpcServer } from '#rpc/server.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasOpenssl, makeCertificates, type Certificates } from '../mqtt/certificates.ts'
import { modelOf } from '../model-journal.ts'
import { UnrulyNetwork } from '../../sim/unruly-network.ts'
import { delivery, never, openUplink, type Opened } from './bed.ts'
import { ReceiverPeer } from './receiver-peer.ts'
import { ScriptedServer } from './scripted-server.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

function uplinkTo(config: object, configDir?: string): Opened {
  const uplink = openUplink({ config, ...(configDir === undefined ? {} : { configDir }) })
  cleanups.push(() => uplink.connection.close())
  return uplink
}

async function peerWith(options: ConstructorParameters<typeof ReceiverPeer>[0]): Promise<ReceiverPeer> {
  const peer = new ReceiverPeer(options)
  await peer.start()
  cleanups.push(() => peer.close())
  return peer
}

describe.skipIf(!hasOpenssl)('A grpc uplink over TLS (needs openssl)', () => {
  let files: Certificates
  beforeAll(() => {
    files = makeCertificates()
  })
  afterAll(() => rmSync(files.folder, { recursive: true }))

  const server = (clientCa: string | null) => ({
    cert: Buffer.from(files.text('broker.pem')),
    key: Buffer.from(files.text('broker.key')),
    clientCa: clientCa === null ? null : Buffer.from(files.text(clientCa)),
  })

  it('delivers to a receiver whose certificate it trusts, with paths from the configuration folder', async () => {
    const peer = await peerWith({ tls: server(null) })
    const { connection } = uplinkTo({ url: peer.url, tls: { ca: 'ca.pem' } }, files.folder)
    await connection.connect(never)
    await connection.deliver(await delivery(1, 3), never)
    expect(peer.ids()).toHaveLength(3)
  })

  it('shows its own certificate where one is wanted', async () => {
    const peer = await peerWith({ tls: server('ca.pem') })
    const own = { ca: files.path('ca.pem'), cert: files.path('client.pem'), key: files.path('client.key') }
    const { connection } = uplinkTo({ url: peer.url, tls: own })
    await connection.connect(never)
    await connection.deliver(await delivery(1, 3), never)
    expect(peer.ids()).toHaveLength(3)
  })

  it.each([
    [
      'a certificate of a stranger',
      'stranger.pem',
      null,
      'UNAUTHENTICATED',
      /is not trusted: its authority is not among/,
    ],
    [
      'a receiver that wants a certificate',
      'ca.pem',
      'ca.pem',
      'UNAUTHENTICATED',
      /does not accept our certificate, or wants one/,
    ],
  ])('says what is wrong: %s', async (_what, ca, clientCa, code, message) => {
    const peer = await peerWith({ tls: server(clientCa) })
    const { connection } = uplinkTo({ url: peer.url, tls: { ca: files.path(ca) } })
    await expect(connection.connect(never)).rejects.toMatchObject({
      code,
      retryable: true,
      message: expect.stringMatching(message),
    })
  })

  it('says so when the receiver does not speak TLS, or speaks it unasked', async () => {
    const plain = await peerWith({})
    const { connection } = uplinkTo({ url: plain.url, tls: { ca: files.path('ca.pem') } })
    await expect(connection.connect(never)).rejects.toMatchObject({
      message: expect.stringMatching(/does not agree on TLS|closed|reset/),
    })
    const encrypted = await peerWith({ tls: server(null) })
    const { connection: other } = uplinkTo({ url: encrypted.url })
    await expect(other.connect(never)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
  })

  it('says which file cannot be read', async () => {
    const { connection } = uplinkTo({ url: '127.0.0.1:1', tls: { ca: '/nowhere/ca.pem' } })
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      retryable: true,
      message: expect.stringContaining('/nowhere/ca.pem'),
    })
  })
})

describe('A grpc uplink', () => {
  it('shows its token, and says when it is refused', async () => {
    const peer = await peerWith({ token: 'right' })
    const { connection } = uplinkTo({ url: peer.url, token: 'right' })
    await connection.connect(never)
    await connection.deliver(await delivery(1, 1), never)
    expect(peer.ids()).toHaveLength(1)
    for (const config of [{ url: peer.url, token: 'wrong' }, { url: peer.url }]) {
      const refused = uplinkTo(config)
      await expect(refused.connection.connect(never)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringMatching(/refuses the token/),
      })
    }
  })

  it('says when nobody listens, when it is no gRPC, and when it is another service', async () => {
    const dead = uplinkTo({ url: '127.0.0.1:1' })
    await expect(dead.connection.connect(never)).rejects.toMatchObject({
      message: '127.0.0.1:1 refuses the connection: nobody listens there',
    })

    const stranger = createServer((socket) => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    cleanups.push(() => void stranger.close())
    const { port } = stranger.address() as AddressInfo
    const other = uplinkTo({ url: `127.0.0.1:${port}` })
    await expect(other.connection.connect(never)).rejects.toMatchObject({ retryable: true })

    const empty = new RpcServer({ tls: null })
    const emptyPort = await empty.listen('127.0.0.1', 0)
    cleanups.push(() => empty.stop(AbortSignal.abort()))
    const lost = uplinkTo({ url: `127.0.0.1:${emptyPort}` })
    await expect(lost.connection.connect(never)).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('does not offer telemetryx.v1.IngestService'),
    })
  })

  it('notices by itself that a silent line is dead', async () => {
    const server = new ScriptedServer()
    await server.start()
    const network = await UnrulyNetwork.start({ target: Number(server.url.split(':')[1]), random: () => 0.5 })
    cleanups.push(
      () => server.stop(),
      () => network.close(),
    )
    const uplink = uplinkTo({ url: `127.0.0.1:${network.port}`, keepalive: 1000 })
    await uplink.connection.connect(never)
    network.cause('swallow')
    await vi.waitFor(
      () => expect(uplink.losses).toMatchObject([{ code: 'CONNECTION_LOST', retryable: true }]),
      EVENTUALLY,
    )
  })

  it('says hello with gateway, epoch, sensors and the names of status codes', async () => {
    const server = new ScriptedServer()
    await server.start()
    cleanups.push(() => server.stop())
    await uplinkTo({ url: server.url }).connection.connect(never)
    expect(server.hellos[0]).toMatchObject({ gateway: 'edge-01', factory: 'Plant A', epoch: 7, version: '1.2.3' })
    expect(server.hellos[0]!.dictionary!.sensors[1]).toMatchObject({
      number: 1,
      id: 'press-1.speed',
      machine: 'press-1',
      factory: 'plant-a',
      factoryName: 'Plant A',
    })
    expect(server.hellos[0]!.statuses).toContainEqual(expect.objectContaining({ code: 0x800a0000, name: 'BadTimeout' }))
  })

  it('tells of a large model in pieces, and of a new one before what needs it', async () => {
    const server = new ScriptedServer()
    await server.start()
    cleanups.push(() => server.stop())
    const uplink = uplinkTo({ url: server.url })
    uplink.model = modelOf(Array.from({ length: 1500 }, (_, n) => `press-${n % 7}.sensor-${n}`))
    await uplink.connection.connect(never)
    await vi.waitFor(() => expect(server.dictionaries).toBe(7), EVENTUALLY)
    uplink.model = modelOf(['press-1.pressure', 'press-1.flow'])
    await uplink.connection.deliver(await delivery(7, 2), never)
    expect(server.dictionaries).toBe(8)
    uplink.model = modelOf(['press-1.pressure', 'press-1.flow', 'press-1.power'])
    uplink.connection.modelChanged?.()
    await vi.waitFor(() => expect(server.dictionaries).toBe(9), EVENTUALLY)
  })

  it.each([
    ['brain.example', { host: 'brain.example', port: 50_051 }],
    ['[::1]:50051', { host: '::1', port: 50_051 }],
  ])('reads %s as an address', async (url, address) => {
    const { rpcAddress } = await import('#rpc/client.ts')
    expect(rpcAddress(url, false)).toMatchObject({ ...address, isTls: false })
    expect(rpcAddress(`grpcs://${url}`, false)).toMatchObject({ ...address, isTls: true })
    expect(rpcAddress(url, true)).toMatchObject({ ...address, isTls: true })
    expect(() => rpcAddress(`grpc://${url}`, true)).toThrow(/plain connection/)
  })
})
