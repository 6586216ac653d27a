// HTTPS: certificates from files, renewed while connections are open, and one that the gateway makes for itself.

import { X509Certificate } from 'node:crypto'
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { selfSignedPair } from '#api/tls/self-signed.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { systemClock } from '#kit/clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { recordingLog, seedAccounts, PASSWORD, startApi, temporaryFolder, type Fixture } from '../fixture.ts'

async function pairOnDisk(names: readonly string[] = ['localhost', '127.0.0.1']) {
  const folder = await temporaryFolder()
  const pair = await selfSignedPair(folder, names, systemClock)
  return { ...pair, files: { cert: join(folder, 'self-signed.crt'), key: join(folder, 'self-signed.key') } }
}

interface Asked {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  /** Over a connection that was open already. */
  readonly isReused: boolean
}

function ask(url: string, path: string, options: { ca?: string; agent?: Agent; method?: string; body?: string } = {}) {
  return new Promise<Asked>((resolve, reject) => {
    const headers = options.body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request(new URL(path, url), { ...options, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
          isReused: sent.reusedSocket,
        }),
      )
    })
    sent.on('error', reject)
    sent.end(options.body)
  })
}

/** Serial number of the certificate that a new connection is shown. */
function shownSerial({ url }: Fixture): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const serialOf = (cert: string): string => new X509Certificate(cert).serialNumber

describe('an API with a certificate from files', () => {
  it('serves HTTPS, secure cookies and the live feed, and tells browsers to stay with it', async () => {
    const pair = await pairOnDisk()
    const dataDir = await temporaryFolder()
    await seedAccounts(dataDir)
    const api = await startApi({ auth: 'required', dataDir, tls: pair.files })
    expect(api.url).toMatch(/^https:/)
    const login = JSON.stringify({ name: 'admin', password: PASSWORD })
    const answer = await ask(api.url, '/api/v1/session', { ca: pair.cert, method: 'POST', body: login })
    expect(answer.status).toBe(200)
    const [cookie] = answer.headers['set-cookie'] as string[]
    for (const word of ['Secure', 'HttpOnly', 'SameSite=Strict']) expect(cookie).toContain(word)
    expect(answer.headers['strict-transport-security']).toMatch(/max-age=\d{7,}/)

    const live = new WebSocket(`${api.url.replace('https', 'wss')}/api/v1/live`, {
      ca: pair.cert,
      headers: { cookie: cookie!.split(';')[0]!, origin: api.url },
    })
    onTestFinished(() => live.terminate())
    await new Promise((resolve, reject) => live.on('open', resolve).on('error', reject))
  })

  it('refuses plain HTTP, and versions of TLS that are broken', async () => {
    const pair = await pairOnDisk()
    const api = await startApi({ tls: pair.files })
    await expect(fetch(`${api.url.replace('https', 'http')}/healthz`)).rejects.toThrow()
    const { hostname, port } = new URL(api.url)
    const old = connect({ host: hostname, port: Number(port), maxVersion: 'TLSv1.1', rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => {
      old.on('secureConnect', () => reject(new Error('TLS 1.1 was accepted')))
      old.on('error', () => resolve())
    })
  })

  it('takes renewed files over without ending a connection', async () => {
    const clock = new ManualClock()
    const first = await pairOnDisk()
    const second = await pairOnDisk()
    const api = await startApi({ clock, tls: first.files })
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [first.cert, second.cert] })
    onTestFinished(() => agent.destroy())
    await ask(api.url, '/healthz', { agent })
    expect(await shownSerial(api)).toBe(serialOf(first.cert))

    copyFileSync(second.files.cert, first.files.cert)
    copyFileSync(second.files.key, first.files.key)
    await clock.advance(60_000)
    await vi.waitFor(async () => expect(await shownSerial(api)).toBe(serialOf(second.cert)), EVENTUALLY)
    const again = await ask(api.url, '/healthz', { agent })
    expect(again).toMatchObject({ status: 200, isReused: true })
  })

  it('keeps the former one while new files do not fit, says why once, and never shows the key', async () => {
    const clock = new ManualClock()
    const { log, lines } = recordingLog()
    const first = await pairOnDisk()
    const second = await pairOnDisk()
    const api = await startApi({ clock, log, tls: first.files })
    copyFileSync(second.files.cert, first.files.cert) // the key is still the old one
    const told = (): string[] => lines.filter((line) => line.includes('does not belong'))
    await clock.advance(60_000)
    await vi.waitFor(() => expect(told()).toHaveLength(1), EVENTUALLY)
    expect(await shownSerial(api)).toBe(serialOf(first.cert))
    writeFileSync(first.files.cert, 'nonsense')
    await vi.waitFor(async () => {
      await clock.advance(60_000)
      expect(lines.some((line) => line.includes('is no certificate'))).toBe(true)
    }, EVENTUALLY)
    expect(told()).toHaveLength(1)
    expect(await shownSerial(api)).toBe(serialOf(first.cert))
    for (const { key } of [first, second]) expect(lines.join('')).not.toContain(key.split('\n')[1])
  })

  it.each([
    ['an absent file', () => ({ cert: '/nowhere/a.crt', key: '/nowhere/a.key' }), /http\.tls\.cert/],
    ['a key of another certificate', undefined, /does not belong/],
  ])('does not start with %s, and says which', async (_what, files, message) => {
    const [one, other] = [await pairOnDisk(), await pairOnDisk()]
    const tls = files?.() ?? { cert: one.files.cert, key: other.files.key }
    await expect(startApi({ tls })).rejects.toThrow(message)
  })
})

describe('a certificate that the gateway makes', () => {
  it('names the machine, is for nobody else to read, and browsers may still go on', async () => {
    const api = await startApi({ tls: 'selfSigned' })
    const path = join(api.dataDir, 'tls', 'self-signed.crt')
    const cert = readFileSync(path, 'utf8')
    const answer = await ask(api.url, '/healthz', { ca: cert })
    expect(answer.status).toBe(200)
    expect(answer.headers['strict-transport-security']).toBeUndefined()
    expect(new X509Certificate(cert).checkHost('localhost')).toBe('localhost')
    expect(new X509Certificate(cert).checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(statSync(join(api.dataDir, 'tls', 'self-signed.key')).mode & 0o777).toBe(0o600)
  })

  it('stays over restarts, and is made anew before it ends, for another name, and when it is damaged', async () => {
    const folder = await temporaryFolder()
    const clock = new ManualClock()
    const made = await selfSignedPair(folder, ['edge-01'], clock)
    expect(await selfSignedPair(folder, ['edge-01', '192.0.2.7'], clock)).toEqual(made)
    const renamed = await selfSignedPair(folder, ['edge-02'], clock)
    expect(renamed.cert).not.toBe(made.cert)
    await clock.advance(800 * 86_400_000)
    const renewed = await selfSignedPair(folder, ['edge-02'], clock)
    expect(renewed.cert).not.toBe(renamed.cert)
    expect(new X509Certificate(renewed.cert).validToDate.getTime()).toBeGreaterThan(clock.now() + 365 * 86_400_000)
    writeFileSync(join(folder, 'self-signed.crt'), 'nonsense')
    expect((await selfSignedPair(folder, ['edge-02'], clock)).cert).toContain('BEGIN CERTIFICATE')
  })
})
