// AnalyticsService: detection, analysis, models, exports and reports, put together from what the brain lends.

import { create } from '@bufbuild/protobuf'
import { join } from 'node:path'
import { isTelemetryError } from '#domain/errors.ts'
import { collectedGauge } from '#kit/metrics.ts'
import {
  AnalyticsService as Definition,
  DeleteModelResponseSchema,
  GetModelResponseSchema,
  PromoteModelResponseSchema,
  RollBackModelResponseSchema,
  RunReportResponseSchema,
  TrainModelResponseSchema,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { serviceDefinition, type Implementation } from '#rpc/service-definition.ts'
import type { RpcServer } from '#rpc/server.ts'
import { DriftMonitor } from '../models/drift-monitor.ts'
import { DriftStore } from '../models/drift-store.ts'
import { ModelCalls } from '../models/model-calls.ts'
import { ModelRegistry } from '../models/registry.ts'
import { trainModel } from '../models/train-call.ts'
import type { TrainingJobs } from '../models/training-jobs.ts'
import { exportReadings } from '../reports/export-call.ts'
import { readReportRequest, runReport } from '../reports/run-report.ts'
import { ReportScheduler, type ReportSchedule } from '../reports/schedule.ts'
import { statusOf, unary } from '../rpc/answers.ts'
import type { BrainContext, BrainService } from '../service.ts'
import { analyze } from './analyze-call.ts'
import { serverStream, signalOf } from './calls.ts'
import { detectAnomalies } from './detect-call.ts'
import { HISTORY_LIMITS, ReadingHistory, type HistoryLimits } from './history.ts'
import type { Jobs } from './jobs.ts'
import type { AnalyticsParts } from './parts.ts'
import { WatchBudget } from './watch-budget.ts'
import { WatchCall, type WatchStream } from './watch-call.ts'
import { WorkerPool } from './worker-pool.ts'

export interface AnalyticsOptions {
  readonly history?: Partial<HistoryLimits>
  readonly reports?: readonly ReportSchedule[]
  /** For long work. */
  readonly threads?: number
}

const MAX_WAITING_JOBS = 64

export class AnalyticsService implements BrainService {
  readonly name = Definition.typeName
  readonly #options: AnalyticsOptions
  #parts: AnalyticsParts | null = null
  #scheduler: ReportScheduler | null = null
  #unsubscribe: (() => void) | null = null
  readonly #watching = new Set<WatchCall>()

  constructor(options: AnalyticsOptions = {}) {
    this.#options = options
  }

  register(server: RpcServer, context: BrainContext): void {
    const parts = this.#make(context)
    this.#parts = parts
    server.grpc.addService(serviceDefinition(Definition), this.#implementation(parts, context))
    const { clock, dataDir, feed, log, sendMail } = context
    this.#scheduler = new ReportScheduler({
      clock,
      log,
      sendMail,
      folder: join(dataDir, 'reports'),
      schedules: this.#options.reports ?? [],
      run: (range, signal) => runReport(parts, range, signal),
    })
    this.#unsubscribe = feed.subscribe(null, (records) => {
      parts.history.take(records)
      parts.drift.take(records)
    })
  }

  async start(): Promise<void> {
    const parts = this.#parts
    if (parts === null) return
    await parts.history.start()
    try {
      await parts.models.warm()
      await parts.drift.restore()
      parts.drift.refresh()
    } catch (cause) {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      parts.log.warn({ err: cause }, 'The models in use cannot be read now; each is read when it is asked for')
    }
    this.#scheduler?.start()
  }

  leave(): void {
    for (const watch of this.#watching) watch.leave()
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    await this.#scheduler?.stop()
    await this.#parts?.drift.stop()
    await this.#parts?.pool.close()
    await this.#parts?.history.stop()
  }

  #make(context: BrainContext): AnalyticsParts {
    const { cache, clock, database, feed, limits, log, registry, tell } = context
    const history = new ReadingHistory({
      database,
      clock,
      log,
      registry,
      limits: { ...HISTORY_LIMITS, ...this.#options.history },
    })
    const models: ModelRegistry = new ModelRegistry({
      database,
      clock,
      cache,
      ready: () => history.ready(),
      onChange: () => drift.refresh(),
    })
    const store = new DriftStore(database)
    const drift = new DriftMonitor({ clock, log, registry, store, tell, inUse: () => models.inUse() })
    const pool = new WorkerPool<Jobs & TrainingJobs>({
      entry: new URL('worker.ts', import.meta.url),
      threads: this.#options.threads ?? 1,
      maxWaiting: MAX_WAITING_JOBS,
    })
    const budget = new WatchBudget()
    collectedGauge({
      registry,
      name: 'telemetryx_brain_analyses_pending',
      help: 'Analyses and trainings that wait or are under way',
      collect: () => [{ value: pool.load }],
    })
    collectedGauge({
      registry,
      name: 'telemetryx_brain_watch_bytes',
      help: 'Memory of the detectors of open WatchAnomalies streams, about',
      collect: () => [{ value: budget.usedBytes }],
    })
    return { clock, log, history, models, drift, feed, pool, budget, maxPoints: limits.maxRecords }
  }

  #implementation(parts: AnalyticsParts, context: BrainContext): Implementation<typeof Definition> {
    const { log } = context
    const { models, drift } = parts
    const calls = new ModelCalls(models, drift)
    return {
      detectAnomalies: unary(log, (request, call) =>
        detectAnomalies(parts, context.caller(call, 'read').tenant, request, signalOf(call)),
      ),
      analyze: serverStream(log, (_, call, signal) =>
        analyze(parts, context.caller(call, 'read').tenant, call, signal),
      ),
      watchAnomalies: (stream) => this.#watch(parts, context, stream),
      trainModel: unary(log, async (request, call) => {
        const caller = context.caller(call, 'write')
        const model = await trainModel(parts, calls, { caller, request, signal: signalOf(call) })
        return create(TrainModelResponseSchema, { model })
      }),
      getModel: unary(log, async (request, call) => {
        const model = await calls.get(context.caller(call, 'read').tenant, request)
        return create(GetModelResponseSchema, { model })
      }),
      listModels: unary(log, (request, call) => calls.list(context.caller(call, 'read').tenant, request)),
      promoteModel: unary(log, async (request, call) => {
        const model = await calls.promote(context.caller(call, 'write').tenant, request)
        return create(PromoteModelResponseSchema, { model })
      }),
      rollBackModel: unary(log, async (request, call) => {
        const model = await calls.rollBack(context.caller(call, 'write').tenant, request)
        return create(RollBackModelResponseSchema, { model })
      }),
      deleteModel: unary(log, async (request, call) => {
        const deleted = await calls.delete(context.caller(call, 'write').tenant, request)
        return create(DeleteModelResponseSchema, { deleted })
      }),
      exportReadings: serverStream(log, (_, call, signal) =>
        exportReadings(parts, context.caller(call, 'read').tenant, call, signal),
      ),
      runReport: unary(log, async (request, call) => {
        const range = readReportRequest(request, context.caller(call, 'read').tenant)
        return create(RunReportResponseSchema, { text: await runReport(parts, range, signalOf(call)) })
      }),
    }
  }

  #watch(parts: AnalyticsParts, context: BrainContext, stream: WatchStream): void {
    try {
      const { tenant } = context.caller(stream, 'read')
      const onClose = (): void => void this.#watching.delete(watch)
      const watch = new WatchCall(parts, { tenant, onClose }, stream)
      this.#watching.add(watch)
    } catch (cause) {
      stream.on('error', () => {})
      stream.emit('error', statusOf(cause, context.log))
    }
  }
}
