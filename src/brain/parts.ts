// Makes the parts of the brain and puts them together; nothing of it listens or runs yet.

import type { Metadata } from '@grpc/grpc-js'
import type { Database } from '#backing/database.ts'
import type { RedisPort } from '#backing/redis.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Registry } from '#kit/metrics.ts'
import { TRACEPARENT } from '#kit/trace-context.ts'
import { RpcServer, type ServerTls } from '#rpc/server.ts'
import type { ActionEntry } from './actions/entry.ts'
import { Mailer } from './actions/mail.ts'
import { MqttPublisher } from './actions/mqtt-publisher.ts'
import { Outbox } from './actions/outbox.ts'
import { AddressGuard } from './actions/safe-address.ts'
import { postWebhook } from './actions/webhook.ts'
import type { BrainOptions } from './options.ts'
import { GatewayLines } from './ingest/gateway-lines.ts'
import { IngestService } from './ingest/ingest-service.ts'
import { Feed } from './ingest/record-feed.ts'
import { Access, authenticating } from './rpc/access.ts'
import { EndlessStreams } from './rpc/endless-streams.ts'
import { observing, withDeadlines } from './rpc/observing.ts'
import { addReflection, Health } from './rpc/standard-services.ts'
import { readable, refusingUnreadable } from './rpc/unreadable.ts'
import { Findings } from './rules/findings.ts'
import { RuleEngine } from './rules/rule-engine.ts'
import { RulesService } from './rules/rules-service.ts'
import type { BrainContext, BrainService, SendMail } from './service.ts'
import { Ledger } from './state/ledger.ts'
import { RuleStore } from './state/rule-store.ts'
import { StateKeeper } from './state/state-keeper.ts'

export interface PartsOptions extends BrainOptions {
  readonly registry: Registry
  readonly database: Database
  readonly redis: RedisPort | null
  readonly tracing: Tracing
  readonly tls: ServerTls | null
}

export interface Parts {
  readonly server: RpcServer
  readonly health: Health
  readonly endless: EndlessStreams
  /** In the order of starting. */
  readonly services: readonly BrainService[]
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly lines: GatewayLines
  readonly stateKeeper: StateKeeper
  closeSenders(): Promise<void>
}

export async function composeParts(options: PartsOptions): Promise<Parts> {
  const { clock, config, database, log, registry, tracing } = options
  const ledger = await Ledger.open({ database, folder: config.data, clock, log: log.child({ room: 'ledger' }) })
  const lines = new GatewayLines()
  const engine = new RuleEngine({ registry, ...config.limits })
  const mailer = config.smtp && new Mailer(config.smtp)
  const publisher = config.mqtt && new MqttPublisher(config.mqtt)
  const outbox = openOutbox(options, { ledger, lines, mailer, publisher })
  const feed = new Feed(log.child({ room: 'feed' }))
  const taking = { clock, ledger, engine, outbox, feed, lines, tracing }
  const check = {
    logic: engine.logic,
    memory: engine.memory,
    actions: { hasMail: mailer !== null, hasMqtt: publisher !== null },
    onFailure: () => void (engine.failures += 1),
  }
  const rulesLog = log.child({ room: 'rules' })
  const services: BrainService[] = [
    new RulesService({
      ...taking,
      log: rulesLog,
      check,
      store: new RuleStore(database, rulesLog),
      broadcast: (...change) => lines.broadcast(...change),
    }),
    ...(options.services ?? []),
    new IngestService({
      ...taking,
      log: log.child({ room: 'ingest' }),
      receiver: `telemetryx brain ${options.version}`,
    }),
  ]
  const findings = new Findings(taking)
  const { endless, health, server } = openServer(options, services, {
    feed,
    tell: (finding) => findings.tell(finding),
    sendMail: mailer && sendMail(ledger, outbox, () => clock.now()),
  })
  const stateKeeper = new StateKeeper({ database, cache: options.redis, clock, log: rulesLog, book: engine.book })
  const closeSenders = async (): Promise<void> => {
    await mailer?.close()
    await publisher?.close()
  }
  return { server, health, endless, services, ledger, outbox, lines, stateKeeper, closeSenders }
}

interface Ways {
  readonly ledger: Ledger
  readonly lines: GatewayLines
  readonly mailer: Mailer | null
  readonly publisher: MqttPublisher | null
}

function openOutbox({ clock, config, log, random, registry }: PartsOptions, ways: Ways): Outbox {
  const { ledger, lines, mailer, publisher } = ways
  const { allowPrivate, timeoutMs } = config.webhooks
  const webhooks = { guard: new AddressGuard(allowPrivate), timeoutMs, now: () => clock.now() }
  return new Outbox({
    clock,
    log: log.child({ room: 'actions' }),
    registry,
    random,
    ...config.actions,
    maxPending: config.limits.maxPendingActions,
    settle: (ids) => ledger.settle(ids),
    senders: {
      alert: (tenant, gateway, message) => lines.send(tenant, gateway, message),
      webhook: (id, body, signal) => postWebhook(id, body, webhooks, signal),
      email: mailer && ((id, body) => mailer.send(id, body)),
      mqtt: publisher && ((body) => publisher.publish(body)),
    },
  })
}

/** Mails of other services go the way of those of rules: durable, and tried again. */
function sendMail(ledger: Ledger, outbox: Outbox, now: () => number): SendMail {
  return async ({ subject, tenant, text, to }) => {
    const body = JSON.stringify({ to, subject, text })
    const entry: ActionEntry = { id: crypto.randomUUID(), tenant, kind: 'email', body, createdAt: now() }
    const admitted = outbox.admit([entry])
    await ledger.keep(admitted)
    outbox.take(admitted)
  }
}

function openServer(
  options: PartsOptions,
  services: readonly BrainService[],
  lent: Pick<BrainContext, 'feed' | 'sendMail' | 'tell'>,
): Pick<Parts, 'server' | 'health' | 'endless'> {
  const { clock, config, database, log, random, redis, registry, tls, tracing } = options
  const access = new Access(config.tokens)
  const callLog = log.child({ room: 'calls' })
  const endless = new EndlessStreams()
  const server = new RpcServer({
    tls,
    maxMessageBytes: config.limits.maxMessageBytes,
    prepare: readable,
    interceptors: [
      observing({
        clock,
        log: callLog,
        registry,
        callerOf: (metadata) => access.nameOf(metadata),
        trace: config.traceEndpoint === null ? null : (method, metadata) => traced(tracing, method, metadata),
      }),
      endless.interceptor(),
      withDeadlines(clock, config.limits.callTimeoutMs),
      authenticating(access, callLog),
      refusingUnreadable(callLog),
    ],
  })
  const context: BrainContext = {
    clock,
    log: log.child({ room: 'brain' }),
    registry,
    database,
    cache: redis,
    dataDir: config.data,
    limits: config.limits,
    random,
    caller: (call, scope) => access.caller(call, scope),
    ...lent,
  }
  const names = services.map(({ name }) => name)
  const health = new Health(names)
  health.addTo(server)
  addReflection(server, names)
  for (const service of services) service.register(server, context)
  return { server, health, endless }
}

/** A span from the beginning of the call to its end. */
function traced(tracing: Tracing, method: string, metadata: Metadata): (code: string) => void {
  const parent = metadata.get(TRACEPARENT)[0]
  const { promise, resolve } = Promise.withResolvers<string>()
  const span = { kind: 'server', parent: typeof parent === 'string' ? parent : null } as const
  void tracing.span(method.slice(1), span, async (work) => work.set('rpc.grpc.status', await promise))
  return resolve
}
