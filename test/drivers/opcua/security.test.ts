// Certificates, policies and logins against a real server in another process.

import { X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadLibrary } from '#drivers/opcua/library.ts'
import { Pki } from '#drivers/opcua/pki.ts'
import { trustedCertificate } from '#drivers/opcua/server-certificate.ts'
import type { OpcuaDeviceConfig } from '#drivers/opcua/schema.ts'
import { Folder, NEVER, openDevice, startServer, type OpcuaServer, type TestDevice } from './bench.ts'

const folder = new Folder()
const open: TestDevice[] = []
let server: OpcuaServer
let serverCertificate: X509Certificate

beforeAll(async () => {
  server = await startServer({ pki: folder.at('server') })
  serverCertificate = new X509Certificate(readFileSync(folder.at('server/own/certs/certificate.pem')))
  await new Pki(folder.at('trusting')).trust(serverCertificate)
})
afterEach(async () => {
  for (const { device } of open.splice(0)) await device.close()
})
afterAll(async () => {
  await server.kill()
  folder.remove()
})

function deviceWith(connection: Partial<OpcuaDeviceConfig['connection']>, pki = 'trusting'): TestDevice {
  const { endpoint } = server
  const sensors = [{ name: 'Int16' }]
  const test = openDevice({ endpoint, pkiDir: folder.at(pki), sensors, config: { mode: 'poll' }, connection })
  open.push(test)
  return test
}

async function reads({ device, sink }: TestDevice): Promise<void> {
  await device.connect(NEVER)
  await device.poll(0, sink, NEVER)
  expect(sink.last('Int16')).toMatchObject({ value: -30_000, status: 'Good' })
}

describe('a secured OPC UA connection', () => {
  it.each([
    ['Basic256Sha256', 'Sign'],
    ['Basic256Sha256', 'SignAndEncrypt'],
    ['Aes128', 'SignAndEncrypt'],
    ['Aes128_Sha256_RsaOaep', 'Sign'],
    ['Aes256', 'SignAndEncrypt'],
    ['Aes256_Sha256_RsaPss', 'Sign'],
  ] as const)('reads with policy %s, mode %s', async (policy, mode) => {
    await reads(deviceWith({ security: { policy, mode } }))
  })

  it('is refused while the server is not trusted, with its fingerprint and the way out', async () => {
    const test = deviceWith({ security: { policy: 'Basic256Sha256' } }, 'stranger')
    const error: unknown = await test.device.connect(NEVER).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect((error as Error).message).toContain(serverCertificate.fingerprint256)
    expect((error as Error).message).toContain(`telemetryx trust opcua ${server.endpoint}`)
    await new Pki(folder.at('stranger')).trust(serverCertificate)
    await reads(test) // without a restart
  })

  it('is refused when the server has no such endpoint, with those that it has', async () => {
    const plain = await startServer({ pki: folder.at('server'), isPlain: true })
    const { device } = openDevice({
      endpoint: plain.endpoint,
      pkiDir: folder.at('trusting'),
      sensors: [],
      connection: { security: { policy: 'Aes256' } },
    })
    await expect(device.connect(NEVER)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('it has: None/None') as string,
    })
    await plain.kill()
  })

  it('makes its certificate once, with a key that only its owner may read', async () => {
    await reads(deviceWith({ security: { policy: 'Basic256Sha256' } }))
    const own = folder.at('trusting/own')
    expect(readdirSync(own).toSorted()).toEqual(['certificate.pem', 'key.pem'])
    expect(statSync(`${own}/key.pem`).mode & 0o777).toBe(0o600)
    const certificate = new X509Certificate(readFileSync(`${own}/certificate.pem`))
    expect(certificate.subjectAltName).toMatch(/URI:urn:.+:telemetryx-edge/)
    const library = await loadLibrary()
    const again = await new Pki(folder.at('trusting')).identity(library)
    expect(again.certificate.equals(certificate.raw)).toBe(true)
  })

  it('is refused after the certificate of the server has expired, unless that is accepted', async () => {
    const pki = new Pki(folder.at('trusting'))
    const { endpoint } = server
    const nowMs = Date.parse(serverCertificate.validTo) + 86_400_000
    const checked = (acceptExpired: boolean, at = nowMs): Promise<Buffer> =>
      trustedCertificate([serverCertificate], { pki, endpoint, acceptExpired, nowMs: at })
    await expect(checked(false)).rejects.toThrow(/expired on \d{4}-\d\d-\d\d/)
    await expect(checked(false, 0)).rejects.toThrow(/is valid only from/) // a gateway whose clock begins in 1970
    expect((await checked(true)).equals(serverCertificate.raw)).toBe(true)
  })

  it('ignores what is no certificate in the trust folder', async () => {
    mkdirSync(folder.at('odd/trusted'), { recursive: true })
    writeFileSync(folder.at('odd/trusted/note.pem'), 'hello')
    writeFileSync(folder.at('odd/trusted/readme.txt'), 'hello')
    await expect(deviceWith({ security: { policy: 'Aes128' } }, 'odd').device.connect(NEVER)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
  })
})

describe('an OPC UA login', () => {
  it.each(['None', 'Basic256Sha256', 'Aes256'] as const)('with name and password works, policy %s', async (policy) => {
    await reads(deviceWith({ security: { policy }, user: { name: 'edge', password: 'correct horse' } }))
  })

  it('with a wrong password is refused in plain words, which do not hold it', async () => {
    const test = deviceWith({ user: { name: 'edge', password: 'battery staple' } })
    const error: unknown = await test.device.connect(NEVER).catch((cause: unknown) => cause)
    expect(error).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('user or password') as string,
    })
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      expect(`${cause.message} ${cause.stack} ${JSON.stringify(cause)}`).not.toContain('battery staple')
    }
  })

  it('with a certificate works', async () => {
    const user = new Pki(folder.at('user')) // any certificate and key will do
    await user.identity(await loadLibrary())
    const certificate = folder.at('user/own/certificate.pem')
    await reads(
      deviceWith({ security: { policy: 'Basic256Sha256' }, user: { certificate, key: folder.at('user/own/key.pem') } }),
    )
  })

  it('with files that are missing or wrong says which', async () => {
    const key = folder.at('trusting/own/key.pem')
    const missing = deviceWith({ user: { certificate: folder.at('none.pem'), key } })
    await expect(missing.device.connect(NEVER)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    const wrong = deviceWith({ user: { certificate: key, key } })
    await expect(wrong.device.connect(NEVER)).rejects.toThrow(/is no certificate/)
  })
})
