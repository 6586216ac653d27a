// Puts the Fastify server together: limits, headers, errors, guard, routes, dashboard.

import type { Server } from 'node:http'
import { hostname } from 'node:os'
import fastifyCookie from '@fastify/cookie'
import fastifyWebsocket from '@fastify/websocket'
import { fastify, LogController, type FastifyBaseLogger } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { installAudit } from './audit/record-requests.ts'
import { installAccess } from './auth/access.ts'
import { AddressCount, guardConnections } from './connections.ts'
import type { ApiContext, ApiServer } from './context.ts'
import { registerDashboard } from './dashboard.ts'
import { registerOpenApi, registerDocsPage, registerOpenApiRoute } from './openapi.ts'
import { sendProblem } from './problem.ts'
import { installRateLimits } from './rate-limit.ts'
import { registerAccounts } from './routes/accounts.ts'
import { registerAlarmActions } from './routes/alarm-actions.ts'
import { registerAlarmMeasures } from './routes/alarm-measures.ts'
import { registerAlarms } from './routes/alarms.ts'
import { registerArchives } from './routes/archives.ts'
import { registerAudit } from './routes/audit.ts'
import { registerBacktest } from './routes/backtest.ts'
import { registerConfig } from './routes/config.ts'
import { registerDeviceAsks } from './routes/device-asks.ts'
import { registerDevices } from './routes/devices.ts'
import { registerExport } from './routes/export.ts'
import { registerFindings } from './routes/findings.ts'
import { registerGateway } from './routes/gateway.ts'
import { registerHealth } from './routes/health.ts'
import { registerIngest } from './routes/ingest.ts'
import { registerJournal } from './routes/journal.ts'
import { registerLicences } from './routes/licences.ts'
import { registerLog } from './routes/log.ts'
import { endLiveWithAccess, registerLive } from './routes/live.ts'
import { registerModel } from './routes/model.ts'
import { registerScan } from './routes/scan.ts'
import { registerSecrets } from './routes/secrets.ts'
import { registerSession } from './routes/session.ts'
import { registerSessions } from './routes/sessions.ts'
import { registerValues } from './routes/values.ts'
import { registerWrite } from './routes/write.ts'
import { registerUplinks } from './routes/uplinks.ts'
import { acceptEmptyJson, registerSecurityHeaders } from './server-parts.ts'
import { plainServer } from './tls/https-server.ts'
import { collectMethods, unknownRoute } from './unknown-route.ts'
import { compileValidator, refuseUnknownQueries } from './validation.ts'

/** For an answer to be made; then the caller gets 503 and the work is aborted. */
const HANDLER_TIMEOUT_MS = 30_000
/** From a live client: it has nothing to say. */
const MAX_MESSAGE_BYTES = 4096

/** The server with all routes; it does not listen yet. */
export async function buildApp(context: ApiContext): Promise<ApiServer> {
  const { options, https, limits } = context
  const perAddress = new AddressCount(limits.addressConnections)
  const loggerInstance: FastifyBaseLogger = options.log
  const app: ApiServer = fastify<Server>({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.maxBodyBytes,
    serverFactory: (handler) => {
      const server = https === null ? plainServer(handler) : https.make(handler)
      guardConnections(server, limits, perAddress)
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
  app.setErrorHandler((error, request, reply) => void sendProblem(request, reply, error))

  await registerSecurityHeaders(app, typeof options.http.tls === 'object' && options.http.tls !== null)
  await app.register(fastifyCookie)
  // The hub says goodbye to the clients before the server closes.
  await app.register(fastifyWebsocket, {
    options: { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false },
    preClose: (done) => done(),
  })
  await registerOpenApi(app, context)
  refuseUnknownQueries(app)
  const methodsOf = collectMethods(app)
  const rates = await installRateLimits(app, context)
  installAccess(app, context, [hostname().toLowerCase(), options.http.host.toLowerCase()])
  rates.ofAccounts()
  installAudit(app, context.audit)
  endLiveWithAccess(app, context)
  registerRoutes(app, context)
  const page = await registerDashboard(app, options.dashboardDir)
  app.setNotFoundHandler(unknownRoute(methodsOf, page))
  await app.ready()
  return app
}

function registerRoutes(app: ApiServer, context: ApiContext): void {
  registerHealth(app, context)
  registerGateway(app, context)
  registerLicences(app, context)
  registerLog(app, context)
  registerModel(app, context)
  registerValues(app, context)
  registerExport(app, context)
  registerFindings(app, context)
  registerBacktest(app, context)
  registerWrite(app, context)
  registerIngest(app, context)
  registerAlarmMeasures(app, context)
  registerAlarms(app, context)
  registerAlarmActions(app, context)
  registerJournal(app, context)
  registerDevices(app, context)
  registerDeviceAsks(app, context)
  registerScan(app, context)
  registerConfig(app, context)
  registerSecrets(app, context)
  registerUplinks(app, context)
  registerLive(app, context)
  registerSession(app, context)
  registerSessions(app, context)
  registerAccounts(app, context)
  registerAudit(app, context)
  registerArchives(app, context)
  registerOpenApiRoute(app)
  registerDocsPage(app)
}
