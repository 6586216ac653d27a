// Puts central's HTTP server together: limits, headers, errors, guard, audit, and the versions of the API beside each other.

import type { Server } from 'node:http'
import fastifyCookie from '@fastify/cookie'
import fastifyWebsocket from '@fastify/websocket'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify, LogController, type FastifyBaseLogger } from 'fastify'
import { registerDashboard, type ServedPage } from '#api/dashboard.ts'
import { HTTP_STATUS, RequestError, sendProblem } from '#api/problem.ts'
import { acceptEmptyJson, registerSecurityHeaders } from '#api/server-parts.ts'
import { plainServer } from '#api/tls/https-server.ts'
import { collectMethods, unknownRoute } from '#api/unknown-route.ts'
import { compileValidator } from '#api/validation.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { registerAnomalies } from '../brain/anomaly-routes.ts'
import { registerFleet } from '../fleet/routes.ts'
import { registerGatewayRoutes } from '../fleet/gateway-routes.ts'
import { installRequestMetrics } from '../telemetry/request-metrics.ts'
import { installTracing } from '../telemetry/traced-requests.ts'
import { installAudit } from './audit-requests.ts'
import type { CentralContext, CentralServer } from './context.ts'
import { installGuard } from './guard.ts'
import { installRateLimits } from './rate-limits.ts'
import { registerAlarms } from './routes/alarms.ts'
import { registerAudit } from './routes/audit.ts'
import { registerExport } from './routes/export.ts'
import { registerHealth } from './routes/health.ts'
import { registerIngest } from './routes/ingest.ts'
import { registerKeys } from './routes/keys.ts'
import { registerLive } from './routes/live.ts'
import { registerModelChanges } from './routes/model-changes.ts'
import { registerModel } from './routes/model.ts'
import { registerSession } from './routes/session.ts'
import { registerSessions } from './routes/sessions.ts'
import { registerTenants } from './routes/tenants.ts'
import { registerUsers } from './routes/users.ts'
import { registerValues } from './routes/values.ts'
import { mountVersions, type ApiVersion } from './versions.ts'

const MAX_BODY_BYTES = 1024 * 1024
/** For an answer to be made; then the caller gets 503. */
const HANDLER_TIMEOUT_MS = 30_000
const MIN_RETRY_AFTER_S = 2
const MAX_CONNECTIONS = 10_000
/** From a live client: it has nothing to say. */
const MAX_MESSAGE_BYTES = 4096

const PAGE: ServedPage = {
  file: 'central.html',
  product: 'TelemetryX Central',
  pages: 'Its pages have',
  process: 'central',
}

/** What stands below /api/v1. */
export const V1: ApiVersion = {
  name: 'v1',
  register: (app, context) => {
    registerModel(app, context)
    registerModelChanges(app, context)
    registerValues(app, context)
    registerExport(app, context)
    registerAlarms(app, context)
    registerAnomalies(app, context)
    registerLive(app, context)
    registerFleet(app, context)
    registerGatewayRoutes(app, context)
    registerIngest(app, context)
    registerSession(app, context)
    registerSessions(app, context)
    registerTenants(app, context)
    registerKeys(app, context)
    registerUsers(app, context)
    registerAudit(app, context)
  },
}

/** The server with all routes; it does not listen yet. */
export async function buildApp(
  context: CentralContext,
  versions: readonly ApiVersion[] = [V1],
): Promise<CentralServer> {
  const { options, https } = context
  const loggerInstance: FastifyBaseLogger = options.log
  const app: CentralServer = fastify<Server>({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    trustProxy: options.http.trustProxy,
    serverFactory: (handler) => {
      const server = https === null ? plainServer(handler) : https.make(handler)
      server.maxConnections = MAX_CONNECTIONS
      return server
    },
    handlerTimeout: HANDLER_TIMEOUT_MS,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(compileValidator)
  // Answers are made field by field from the shapes; the tests hold them against the schemas.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  acceptEmptyJson(app)
  app.setErrorHandler((error, request, reply) => void sendProblem(request, reply, unlessAway(error)))
  await registerSecurityHeaders(app, https !== null)
  await app.register(fastifyCookie)
  // The hubs say goodbye to the clients before the server closes.
  await app.register(fastifyWebsocket, {
    options: { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false },
    preClose: (done) => done(),
  })
  const methodsOf = collectMethods(app)
  installRequestMetrics(app, context)
  installTracing(app, options.tracing)
  const rates = await installRateLimits(app, context)
  installGuard(app, context)
  rates.ofTenants()
  installAudit(app, context)
  registerHealth(app, context)
  await mountVersions(app, versions, context)
  const page = await registerDashboard(app, options.pagesDir, PAGE)
  app.setNotFoundHandler(unknownRoute(methodsOf, page))
  await app.ready()
  return app
}

/** What central leans on is away: for its callers it is central that cannot answer now. */
function unlessAway(error: unknown): unknown {
  if (!isTelemetryError(error) || !error.retryable || error.code === 'RATE_LIMITED') return error
  if (HTTP_STATUS[error.code] < 500) return error
  const { retryAfterMs } = error.context
  const seconds = typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1000) : 0
  return new RequestError('UNAVAILABLE', error.message, {
    headers: { 'retry-after': String(Math.max(MIN_RETRY_AFTER_S, seconds)) },
  })
}
