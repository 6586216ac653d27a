// One connection to a server, from the trust check to the session: every request within a time limit, and an end that is
// told once. After its end it is never used again.

import { readFile } from 'node:fs/promises'
import type {
  ClientSession,
  ClientSessionPublishService,
  ClientSessionRawSubscriptionService,
  NodeId,
  UserIdentityInfo,
} from 'node-opcua-client'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { Channel } from './channel.ts'
import { opcuaError } from './failures.ts'
import type { Library } from './library.ts'
import { namespaceIndex, type NodeAddress } from './node-address.ts'
import { parseCertificate, type ApplicationIdentity, type Certificates } from './pki.ts'
import type { OpcuaDeviceConfig } from './schema.ts'
import { certificateChain, chooseEndpoint, serverEndpoints, trustedCertificate } from './server-certificate.ts'
import type { Security } from './security.ts'

export const VALUE_ATTRIBUTE = 13 // OPC UA Part 6 Annex A
const NAMESPACE_ARRAY = 'ns=0;i=2255'
const SERVER_STATE = 'ns=0;i=2259'
const MAX_NODES_PER_READ = 'ns=0;i=11705'
const MAX_MONITORED_ITEMS_PER_CALL = 'ns=0;i=11714'
const DEFAULT_CHUNK = 1000
const CLOSE_MS = 1000
/** A connection that was silent for this long is asked for a sign of life; well within the session timeout of 30 s. */
const KEEP_ALIVE_MS = 10_000

export interface ConnectionOptions {
  readonly library: Library
  readonly pki: Certificates
  readonly endpoint: string
  readonly security: Security
  readonly user: OpcuaDeviceConfig['connection']['user']
  readonly timeoutMs: number
  readonly clock: Clock
  /** Told once when the connection ends without `close`. */
  readonly onLost: (cause: TelemetryError) => void
  /** Told each chunk on the wire once the login is over. */
  readonly onChunk?: (direction: 'sent' | 'received', chunk: Buffer) => void
}

/** The library's sessions have the plain services as well; its type keeps them apart. */
export type Session = ClientSession & ClientSessionRawSubscriptionService & ClientSessionPublishService

export interface ServerLimits {
  readonly nodesPerRead: number
  readonly monitoredItemsPerCall: number
}

/** Throws CONNECTION_FAILED, TIMEOUT, UNAUTHENTICATED, ABORTED, … */
export async function openConnection(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
  const { library, pki, endpoint, security, timeoutMs, clock } = options
  const identity = await pki.identity(library)
  const user = await userIdentity(options.user, library)
  const serverCertificate = security.policy === 'None' ? null : await checkedCertificate(options, identity, signal)
  const channel = new Channel({ library, identity, endpoint, security, serverCertificate })
  const connection = new Connection(options, channel)
  try {
    await withDeadline({ clock, timeoutMs, what: `Connecting to ${endpoint}`, signal }, async () => {
      await channel.open()
      await connection.begin(user)
    })
    return connection
  } catch (error) {
    connection.abort()
    throw opcuaError(error, 'CONNECTION_FAILED', `No connection to ${endpoint}`)
  }
}

async function checkedCertificate(
  { library, pki, endpoint, security, timeoutMs, clock }: ConnectionOptions,
  identity: ApplicationIdentity,
  signal: AbortSignal,
): Promise<Buffer> {
  const endpoints = await serverEndpoints({ library, identity, endpoint, timeoutMs, clock, signal })
  const chain = certificateChain(chooseEndpoint(endpoints, library, security), library)
  return trustedCertificate(chain, { pki, endpoint, acceptExpired: security.acceptExpired, nowMs: clock.now() })
}

async function userIdentity(user: ConnectionOptions['user'], library: Library): Promise<UserIdentityInfo> {
  if (user?.name !== undefined) {
    return { type: library.UserTokenType.UserName, userName: user.name, password: user.password ?? '' }
  }
  if (user?.certificate === undefined || user.key === undefined) return { type: library.UserTokenType.Anonymous }
  const [certificate, key] = await Promise.all([readUserFile(user.certificate), readUserFile(user.key)])
  const parsed = parseCertificate(certificate)
  if (parsed === null) throw new TelemetryError('CONFIG_INVALID', `${user.certificate} is no certificate`)
  try {
    return {
      type: library.UserTokenType.Certificate,
      certificateData: parsed.raw,
      keyOperations: library.crypto_utils.keyOperationsFromPrivateKey(
        library.crypto_utils.makePrivateKeyFromPem(key.toString('utf8')),
      ),
    }
  } catch {
    throw new TelemetryError('CONFIG_INVALID', `${user.key} is no private key`) // without the cause: it may quote the key
  }
}

async function readUserFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new TelemetryError('CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
}

export class Connection {
  readonly library: Library
  readonly #options: ConnectionOptions
  readonly #channel: Channel
  readonly #ended = new AbortController()
  #session: Session | null = null
  #namespaces: readonly string[] = []
  #limits: ServerLimits = { nodesPerRead: DEFAULT_CHUNK, monitoredItemsPerCall: DEFAULT_CHUNK }
  #isClosing = false
  #pending = 0
  #heardAt = 0
  #keepAlive: Timer | null = null

  constructor(options: ConnectionOptions, channel: Channel) {
    this.library = options.library
    this.#options = options
    this.#channel = channel
    channel.client.on('close', (error) =>
      this.lose(opcuaError(error ?? new Error('it was closed'), 'CONNECTION_LOST', 'The connection is gone')),
    )
  }

  get limits(): ServerLimits {
    return this.#limits
  }

  get namespaces(): readonly string[] {
    return this.#namespaces
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs
  }

  /** Aborts at the end of the connection. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get session(): Session {
    if (this.#session === null || this.#ended.signal.aborted)
      throw new TelemetryError('CONNECTION_LOST', 'The device is not connected', { retryable: true })
    return this.#session
  }

  /** Logs in and learns what the server can do; within the deadline of the caller. */
  async begin(user: UserIdentityInfo): Promise<void> {
    const session = (await this.#channel.client.createSession(user)) as Session
    const read = [NAMESPACE_ARRAY, MAX_NODES_PER_READ, MAX_MONITORED_ITEMS_PER_CALL]
    const answers = await session.read(read.map((nodeId) => ({ nodeId, attributeId: VALUE_ATTRIBUTE })))
    const namespaces: unknown = answers[0]?.value.value
    this.#namespaces = Array.isArray(namespaces) ? namespaces.map(String) : []
    this.#limits = {
      nodesPerRead: limitOf(answers[1]?.value.value),
      monitoredItemsPerCall: limitOf(answers[2]?.value.value),
    }
    session.on('session_closed', () =>
      this.lose(new TelemetryError('CONNECTION_LOST', 'The server closed the session', { retryable: true })),
    )
    this.#session = session
    const { onChunk } = this.#options
    if (onChunk !== undefined) {
      this.#channel.client.on('send_chunk', (chunk) => onChunk('sent', chunk))
      this.#channel.client.on('receive_chunk', (chunk) => onChunk('received', chunk))
    }
    this.heard()
    this.#watch()
  }

  /** The node on this server; null when its namespace does not exist here. */
  nodeId(address: NodeAddress): NodeId | null {
    const index = namespaceIndex(address, this.#namespaces)
    if (index === null) return null
    const { kind, value } = address.identifier
    const type = { numeric: 1, string: 2, guid: 3, opaque: 4 }[kind] // IdType, OPC UA Part 3 §8.2
    return new this.library.NodeId(type, kind === 'opaque' ? Buffer.from(value, 'base64') : value, index)
  }

  /** One service call within the time limit. Throws TIMEOUT, CONNECTION_LOST, ABORTED, DEVICE_EXCEPTION. */
  async request<T>(what: string, call: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const session = this.session
    const { clock, timeoutMs } = this.#options
    const either = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
    this.#pending += 1
    try {
      const answer = await withDeadline({ clock, timeoutMs, what, signal: either }, () => call(session))
      this.heard()
      return answer
    } catch (error) {
      const cause: unknown = this.#ended.signal.reason
      if (this.#ended.signal.aborted && cause instanceof TelemetryError && signal?.aborted !== true) throw cause
      throw opcuaError(error, 'DEVICE_EXCEPTION', what)
    } finally {
      this.#pending -= 1
    }
  }

  /** The server gave a sign of life. */
  heard(): void {
    this.#heardAt = this.#options.clock.monotonic()
  }

  /** The connection is of no use any more. */
  lose(cause: TelemetryError): void {
    if (this.#isClosing || this.#ended.signal.aborted) return
    const wasOpen = this.#session !== null
    this.#end(cause)
    if (wasOpen) this.#options.onLost(cause)
  }

  /** Ends it at once. */
  abort(): void {
    this.#isClosing = true
    this.#end(new TelemetryError('ABORTED', 'The connection was closed'))
  }

  /** Logs out when the server listens, else ends it at once. */
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return
    this.#isClosing = true
    const { clock } = this.#options
    if (this.#pending === 0) {
      await withDeadline({ clock, timeoutMs: CLOSE_MS, what: 'Logging out' }, async () => {
        await this.#session?.close(true)
        await this.#channel.close()
      }).catch(() => {}) // then without a good-bye
    }
    this.#end(new TelemetryError('ABORTED', 'The connection was closed'))
  }

  #end(cause: TelemetryError): void {
    this.#keepAlive?.cancel()
    this.#keepAlive = null
    this.#ended.abort(cause)
    this.#channel.abort()
  }

  #watch(): void {
    const { clock } = this.#options
    this.#keepAlive = clock.after(KEEP_ALIVE_MS, () => {
      if (clock.monotonic() - this.#heardAt < KEEP_ALIVE_MS - 1) this.#watch()
      else void this.#askForLife()
    })
  }

  async #askForLife(): Promise<void> {
    try {
      await this.request('The sign of life', (session) =>
        session.read({ nodeId: SERVER_STATE, attributeId: VALUE_ATTRIBUTE }),
      )
      this.#watch()
    } catch (error) {
      this.lose(opcuaError(error, 'CONNECTION_LOST', 'The server gives no sign of life'))
    }
  }
}

/** 0 and what is no number mean that the server names no limit. */
function limitOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, DEFAULT_CHUNK) : DEFAULT_CHUNK
}
