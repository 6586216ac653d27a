// Which servers are trusted: those in the folder, and those that an authority in the folder has signed, for their own host.

import { X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadLibrary, type Library } from '#drivers/opcua/library.ts'
import { Pki } from '#drivers/opcua/pki.ts'
import { Folder } from './bench.ts'

const folder = new Folder()
const TRUSTED = { isTrusted: true }
const STRANGER = { isTrusted: false, reason: 'is not trusted' }
let authority: Authority
let other: Authority

interface Authority {
  readonly certificate: X509Certificate
  sign(dns: string, ip: string): Promise<X509Certificate>
}

async function makeAuthority({ crypto_utils }: Library, name: string): Promise<Authority> {
  const { CertificatePurpose, x509 } = crypto_utils
  const { privateKey, publicKey } = await crypto_utils.generateKeyPair(2048)
  const { cert } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    subject: `CN=${name}`,
    purpose: CertificatePurpose.ForCertificateAuthority,
  })
  return {
    certificate: new X509Certificate(cert),
    async sign(dns, ip) {
      const server = await crypto_utils.generateKeyPair(2048)
      const purpose = CertificatePurpose.ForApplication
      const names = { dns: [dns], ip: [ip], applicationUri: 'urn:server', purpose }
      const { csr } = await crypto_utils.createCertificateSigningRequest({
        ...names,
        privateKey: server.privateKey,
        subject: 'CN=Server',
      })
      const signed = await crypto_utils.createCertificateFromCsr({
        ...names,
        csr,
        issuerName: new x509.X509Certificate(cert).subjectName,
        issuerPublicKey: publicKey,
        signingKey: privateKey,
        signingAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: { name: 'SHA-256' } },
      })
      return new X509Certificate(signed.cert)
    },
  }
}

beforeAll(async () => {
  const library = await loadLibrary()
  authority = await makeAuthority(library, 'Plant authority')
  other = await makeAuthority(library, 'Plant authority') // the same name, another key
})
afterAll(() => folder.remove())

function pkiWith(name: string, ...certificates: X509Certificate[]): Pki {
  mkdirSync(folder.at(`${name}/trusted`), { recursive: true })
  for (const [index, certificate] of certificates.entries()) {
    writeFileSync(folder.at(`${name}/trusted/${index}.der`), certificate.raw)
  }
  return new Pki(folder.at(name))
}

describe('the trust list', () => {
  it('trusts nobody while it is empty or missing', async () => {
    const server = await authority.sign('plc-1', '192.0.2.20')
    expect(await new Pki(folder.at('missing')).verdict([server], 'plc-1')).toEqual(STRANGER)
    expect(await pkiWith('empty').verdict([server, authority.certificate], 'plc-1')).toEqual(STRANGER)
  })

  it('trusts a server by its own certificate, whatever its host, and no other of the same name', async () => {
    const server = await authority.sign('plc-1', '192.0.2.20')
    const impostor = await other.sign('plc-1', '192.0.2.20')
    const pki = new Pki(folder.at('pinned'))
    await pki.trust(server)
    expect(await pki.verdict([server], '198.51.100.7')).toEqual(TRUSTED)
    expect(await pki.verdict([impostor], 'plc-1')).toEqual(STRANGER)
    expect(await pki.verdict([impostor, server], 'plc-1')).toEqual(STRANGER)
  })

  it('trusts what an authority has signed, for the hosts that the certificate names', async () => {
    const server = await authority.sign('plc-1', '192.0.2.20')
    const pki = pkiWith('authority', authority.certificate)
    expect(await pki.verdict([server], 'plc-1')).toEqual(TRUSTED)
    expect(await pki.verdict([server, authority.certificate], '192.0.2.20')).toEqual(TRUSTED)
    for (const host of ['plc-2', '192.0.2.21', '[2001:db8::1]']) {
      expect(await pki.verdict([server], host)).toEqual({ isTrusted: false, reason: 'is not for this host' })
    }
  })

  it('does not take another authority of the same name for it, nor a server for an authority', async () => {
    const impostor = await other.sign('plc-1', '192.0.2.20')
    expect(await pkiWith('names', authority.certificate).verdict([impostor, other.certificate], 'plc-1')).toEqual(
      STRANGER,
    )
    const server = await authority.sign('plc-1', '192.0.2.20')
    expect(await pkiWith('leaf', server).verdict([impostor, server], 'plc-1')).toEqual(STRANGER)
  })
})
