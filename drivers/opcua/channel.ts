// One client of the library: made for one connection, never reused, never reconnecting by itself. It can be ended at once,
// whatever the library is waiting for.

import type { ClientSecureChannelLayer, OPCUAClient } from 'node-opcua-client'
import type { Library } from './library.ts'
import type { ApplicationIdentity } from './pki.ts'
import type { Security } from './security.ts'

const SESSION_TIMEOUT_MS = 30_000 // short: small servers have five sessions, and one that was cut off holds one until then
const NEVER_IDLE_MS = 0x4000_0000 // the library ends sockets that were idle for half of this; silence is judged elsewhere

export interface ChannelOptions {
  readonly library: Library
  readonly identity: ApplicationIdentity
  readonly endpoint: string
  /** null: unsecured. */
  readonly security: Security | null
  /** Checked by the caller; null without security. */
  readonly serverCertificate: Buffer | null
}

export class Channel {
  readonly client: OPCUAClient
  readonly #endpoint: string
  #layer: ClientSecureChannelLayer | null = null
  #isEnded = false

  constructor(options: ChannelOptions) {
    const { library, identity, endpoint, security, serverCertificate } = options
    this.#endpoint = endpoint
    this.client = library.OPCUAClient.create({
      applicationName: 'TelemetryX Edge',
      applicationUri: identity.applicationUri,
      clientName: 'telemetryx',
      securityMode: library.MessageSecurityMode[security?.mode ?? 'None'],
      securityPolicy: security?.policyUri ?? library.SecurityPolicy.None,
      ...(serverCertificate === null ? {} : { serverCertificate }),
      certificateKeyPairProvider: keyPairOf(identity),
      clientCertificateManager: checkedElsewhere(library),
      endpointMustExist: false, // servers name themselves by other addresses than those that reach them
      connectionStrategy: { maxRetry: 0, initialDelay: 1000, maxDelay: 1000 },
      requestedSessionTimeout: SESSION_TIMEOUT_MS,
      transportTimeout: NEVER_IDLE_MS,
      keepSessionAlive: false,
    })
    this.client.on('secure_channel_created', (layer) => {
      this.#layer = layer
      if (this.#isEnded) this.#break()
    })
  }

  /** Connects; the caller limits the time and calls `abort` when it is over. */
  async open(): Promise<void> {
    await this.client.connect(this.#endpoint)
  }

  /** Ends it at once and without a word to the server. Safe to call twice. */
  abort(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#break()
  }

  /** Says good-bye to the server. May take as long as the server likes; `abort` cuts it short. */
  async close(): Promise<void> {
    await this.client.disconnect()
    this.#isEnded = true
  }

  #break(): void {
    const layer = this.#layer
    const disconnect = (): void => {
      this.client.disconnect().catch(() => {}) // nothing is left to be told to
    }
    if (layer === null) disconnect()
    else layer.abortConnection(disconnect)
  }
}

function keyPairOf({ certificate, key }: ApplicationIdentity) {
  return {
    certificateFile: '<in-memory>', // the library then asks for no files
    privateKeyFile: '<in-memory>',
    getCertificate: () => certificate,
    getCertificateChain: () => [certificate],
    getPrivateKey: () => ({ hidden: key }),
  }
}

/** The library wants a trust list; server certificates are checked before the library sees them (server-certificate.ts). */
function checkedElsewhere({ StatusCodes }: Library) {
  const nothing = (): Promise<void> => Promise.resolve()
  return {
    referenceCounter: 0,
    initialize: nothing,
    dispose: nothing,
    checkCertificate: () => Promise.resolve(StatusCodes.Good),
    verifyCertificate: () => Promise.resolve('Good'),
    trustCertificate: nothing,
    rejectCertificate: nothing,
    getTrustStatus: () => Promise.resolve(StatusCodes.Good),
    addIssuer: nothing,
    addRevocationList: nothing,
  }
}
