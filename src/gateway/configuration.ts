// The configuration of a running gateway: the one door through which a file that was edited, the command line, the API and a
// central change it. One change at a time: judged, made durable as a revision, written to the file, brought in, watched,
// and taken back when the gateway is worse for it.

import { gatewayJsonSchema } from '#config/json-schema.ts'
import type { EventEntry } from '#domain/alarm.ts'
import type {
  AppliedConfiguration,
  ConfigurationDesk,
  ConfigurationOffer,
  ConfigurationOutcome,
  ConfigurationPlan,
  ImportedSensors,
  PresentConfiguration,
  Revision,
  RevisionHead,
  TextProblem,
} from '#domain/configuration.ts'
import { isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { refuseForeignEdit, stateOnDisk, textOnDisk, writeFiles } from './configuration-file.ts'
import type { ConfigurationOptions } from './configuration-options.ts'
import { ConfigurationReader, type LoadedConfiguration } from './configuration-reader.ts'
import { baselineOf, HealthWatch } from './health-watch.ts'
import { planWords } from '#domain/plan-words.ts'
import { isEmptyPlan, planChange, refuseRestart, touchedBy } from './plan.ts'
import { contentHash, headOf, type StoredRevision } from './revision-store.ts'

interface Watched {
  readonly watch: HealthWatch
  readonly revision: number
  readonly goesBackTo: number | null
  readonly until: number
  readonly decide: (outcome: ConfigurationOutcome) => void
}

export class Configuration implements ConfigurationDesk {
  readonly #options: ConfigurationOptions
  readonly #reader: ConfigurationReader
  #present: LoadedConfiguration
  #head: RevisionHead
  readonly #first: StoredRevision
  #watched: Watched | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #isStopped = false

  /** `head`: the revision that is in force; see startRevision. */
  constructor(options: ConfigurationOptions, head: StoredRevision) {
    const { source, config, catalogue, parse } = options
    this.#options = options
    this.#reader = new ConfigurationReader({ source, catalogue, parse, dataDir: config.data, drivers: config.drivers })
    this.#present = { ...source.loaded, config }
    this.#head = head
    this.#first = head
  }

  /** Goes on with the watch that the end of the gateway broke off; to be called when the devices run. */
  start(): void {
    if (this.#head === this.#first && this.#first.baseline !== null && this.#first.state === 'watched')
      void this.#watch(this.#first)
  }

  /** Waits for the change that is under way; further ones are refused. A watch goes on at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#watched?.watch.cancel()
    await this.#queue.catch(() => {})
  }

  present(): PresentConfiguration {
    const { source } = this.#options
    return {
      text: this.#reader.masked(this.#present.text),
      etag: this.#etag,
      revision: this.#head,
      file: source.file,
      fileState: stateOnDisk([{ path: source.file, text: this.#present.text }, ...this.#present.files]),
      watchedUntil: this.#watched?.until ?? null,
    }
  }

  schema(): Readonly<Record<string, unknown>> {
    return gatewayJsonSchema(this.#options.catalogue)
  }

  async check(text: string): Promise<readonly TextProblem[]> {
    try {
      return await this.#reader.problems(this.#unmasked(text))
    } catch (error) {
      const problems = isTelemetryError(error, 'CONFIG_INVALID') ? error.context['problems'] : undefined
      if (!Array.isArray(problems)) throw error
      return problems as readonly TextProblem[]
    }
  }

  async plan(text: string): Promise<ConfigurationPlan> {
    const next = await this.#reader.read(this.#unmasked(text))
    return planChange(this.#present, next, this.#options.catalogue)
  }

  apply(offer: ConfigurationOffer): Promise<AppliedConfiguration> {
    return this.inTurn(async () => {
      this.#checkMatch(offer.ifMatch ?? null)
      return this.#apply(offer, await this.#reader.read(this.#unmasked(offer.text)))
    })
  }

  reload(by: string): Promise<AppliedConfiguration> {
    const applied = this.inTurn(async () => {
      const { file } = this.#options.source
      const text = textOnDisk(file)
      if (text === null) throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read: there is no such file`)
      return this.#apply({ text, by, origin: 'file', comment: null }, await this.#reader.read(text))
    })
    // Nobody may be there to hear of it.
    applied.catch((error: unknown) => {
      const { message, code } = toTelemetryError(error)
      this.#options.log.warn({ code, reason: message }, 'The changed configuration file was not taken up')
      this.#record('configuration-refused', 'warning', `The changed file was not taken up: ${message}`, { by, code })
    })
    return applied
  }

  revisions(): readonly RevisionHead[] {
    return this.#options.revisions.heads()
  }

  async revision(number: number): Promise<Revision> {
    const stored = await this.#options.revisions.read(number)
    return { ...headOf(stored), text: this.#reader.masked(stored.text) }
  }

  async diff(from: number, to: number): Promise<ConfigurationPlan> {
    const { revisions, catalogue } = this.#options
    const [before, after] = [await revisions.read(from), await revisions.read(to)]
    const first = await this.#reader.read(before.text, before.files)
    return planChange(first, await this.#reader.read(after.text, after.files), catalogue)
  }

  rollBack(number: number, offer: Omit<ConfigurationOffer, 'text' | 'origin'>): Promise<AppliedConfiguration> {
    return this.inTurn(async () => {
      this.#checkMatch(offer.ifMatch ?? null)
      const { text, files } = await this.#options.revisions.read(number)
      const comment = offer.comment ?? `Back to revision ${number}`
      return this.#apply({ ...offer, text, origin: 'rollback', comment }, await this.#reader.read(text, files))
    })
  }

  importSensors(device: string, csv: string): ImportedSensors {
    return this.#reader.importSensors(device, csv, this.#present.config)
  }

  #unmasked(text: string): string {
    return this.#reader.unmasked(text, this.#present.text)
  }

  get #etag(): string {
    return `"${contentHash(this.#present.text, this.#present.files).slice(0, 32)}"`
  }

  #checkMatch(ifMatch: string | null): void {
    if (ifMatch === null || ifMatch.trim() === '*') return
    if (ifMatch.split(',').some((tag) => tag.trim() === this.#etag)) return
    throw new TelemetryError(
      'STALE',
      'The configuration was changed by someone else meanwhile: look at it, then change it again',
    )
  }

  /** One change after the other; also for what must not happen during one. Throws CONFLICT when the gateway stops. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => {
      if (this.#isStopped) throw new TelemetryError('CONFLICT', 'The gateway is stopping')
      return change()
    })
    this.#queue = done.catch(() => {})
    return done
  }

  async #apply(offer: ConfigurationOffer, next: LoadedConfiguration): Promise<AppliedConfiguration> {
    const { catalogue, health, source } = this.#options
    const plan = planChange(this.#present, next, catalogue)
    refuseRestart(plan)
    const isSame = contentHash(next.text, next.files) === contentHash(this.#present.text, this.#present.files)
    if (isSame && isEmptyPlan(plan)) return this.#unchanged(plan)
    refuseForeignEdit(source.file, [next.text, this.#present.text])
    const before = this.#watched
    const revision = await this.#bring(offer, next, {
      baseline: isEmptyPlan(plan) ? null : baselineOf(health(), touchedBy(plan), before?.watch.baseline ?? null),
      goesBackTo: before?.goesBackTo ?? this.#head.number,
    })
    const { outcome } = await this.#settle(revision)
    const { number, by } = revision
    this.#record('configuration-applied', 'info', `Configuration ${number} applied by ${by}: ${planWords(plan)}`, {
      revision: number,
      by,
      origin: offer.origin,
      comment: offer.comment,
    })
    return { revision: number, plan, isChanged: true, watchedUntil: this.#watched?.until ?? null, outcome }
  }

  #unchanged(plan: ConfigurationPlan): AppliedConfiguration {
    const outcome: ConfigurationOutcome = { revision: this.#head.number, state: 'kept', reason: null }
    const { revision } = outcome
    return {
      revision,
      plan,
      isChanged: false,
      watchedUntil: this.#watched?.until ?? null,
      outcome: Promise.resolve(outcome),
    }
  }

  /** Durable as a revision, then in the file, then in the gateway; back to what was when one of it fails. */
  async #bring(
    { by, origin, comment }: ConfigurationOffer,
    next: LoadedConfiguration,
    { baseline, goesBackTo }: Pick<StoredRevision, 'baseline' | 'goesBackTo'>,
  ): Promise<StoredRevision> {
    const { revisions, clock, bringIn } = this.#options
    const { text, files } = next
    const hash = contentHash(text, files)
    const time = clock.now()
    const fresh = { time, by, origin, comment, hash, reason: null, text, files, baseline, goesBackTo }
    const revision = await revisions.add({ ...fresh, state: 'applying' })
    const before = this.#present
    try {
      await this.#write(next)
      await bringIn(next.config)
    } catch (error) {
      const failure = toTelemetryError(error)
      await this.#write(before).catch(() => {})
      await revisions.update(revision.number, { state: 'failed', reason: failure.message }).catch(() => {})
      throw failure
    }
    this.#present = next
    return revision
  }

  #write({ text, files }: LoadedConfiguration): Promise<void> {
    return writeFiles([...files, { path: this.#options.source.file, text }])
  }

  /** Begins the watch of what has been applied, or says at once that it stays. */
  async #settle(revision: StoredRevision): Promise<{ readonly outcome: Promise<ConfigurationOutcome> }> {
    if (this.#watched) await this.#decide(this.#watched, { state: 'replaced', reason: null })
    const isWatched = revision.baseline !== null && this.#present.config.configuration.watchMs > 0
    const stored: StoredRevision = { ...revision, state: isWatched ? 'watched' : 'kept' }
    this.#head = stored
    await this.#keepState(stored)
    if (isWatched) return { outcome: this.#watch(stored) }
    return { outcome: Promise.resolve({ revision: revision.number, state: 'kept', reason: null }) }
  }

  #watch({ number, baseline, goesBackTo }: StoredRevision): Promise<ConfigurationOutcome> {
    const { clock, health } = this.#options
    const periodMs = this.#present.config.configuration.watchMs
    const { promise, resolve } = Promise.withResolvers<ConfigurationOutcome>()
    const watch = new HealthWatch({
      clock,
      periodMs,
      baseline: baseline!,
      view: health,
      onVerdict: (losses) => void this.inTurn(() => this.#judge(watched, losses)).catch(() => {}),
    })
    const watched: Watched = { watch, revision: number, goesBackTo, until: clock.now() + periodMs, decide: resolve }
    this.#watched = watched
    return promise
  }

  async #judge(watched: Watched, losses: readonly string[]): Promise<void> {
    if (this.#watched !== watched) return
    if (losses.length === 0) {
      await this.#decide(watched, { state: 'kept', reason: null })
      return
    }
    const reason = losses.join('; ')
    try {
      await this.#takeBack(watched, reason)
    } catch (error) {
      const { message } = toTelemetryError(error)
      const words = `Configuration ${watched.revision} made the gateway worse (${reason}), but could not be taken back: ${message}`
      this.#options.log.error({ err: error, revision: watched.revision }, 'A configuration could not be taken back')
      this.#record('configuration-rollback-failed', 'error', words, { revision: watched.revision, reason })
      await this.#decide(watched, { state: 'kept', reason: words })
    }
  }

  /** Back to the last configuration that was good, also where its file cannot be written. */
  async #takeBack(watched: Watched, reason: string): Promise<void> {
    const { revisions, clock, bringIn, source } = this.#options
    const target = await revisions.read(watched.goesBackTo ?? 0)
    const next = await this.#reader.read(target.text, target.files)
    await bringIn(next.config)
    const fileReason = await this.#writeBack(next)
    this.#present = next
    const comment = `Back to revision ${target.number}, because revision ${watched.revision} made the gateway worse`
    const revision = await revisions.add({
      ...target,
      time: clock.now(),
      by: 'gateway',
      origin: 'rollback',
      comment,
      state: 'kept',
      reason,
      baseline: null,
      goesBackTo: null,
    })
    this.#head = revision
    const left = fileReason === null ? '' : `; ${source.file} still holds the other text: ${fileReason}`
    const words = `Configuration ${watched.revision} was taken back to ${target.number}: ${reason}${left}`
    this.#options.log.warn({ revision: watched.revision, to: target.number, reason }, 'A configuration was taken back')
    this.#record('configuration-rolled-back', 'warning', words, { revision: watched.revision, reason })
    await this.#decide(watched, { state: 'rolledBack', reason })
  }

  /** Why the file could not be written back; null: it was. */
  async #writeBack(next: LoadedConfiguration): Promise<string | null> {
    try {
      refuseForeignEdit(this.#options.source.file, [this.#present.text, next.text])
      await this.#write(next)
      return null
    } catch (error) {
      return toTelemetryError(error).message
    }
  }

  async #decide(watched: Watched, outcome: Pick<ConfigurationOutcome, 'state' | 'reason'>): Promise<void> {
    watched.watch.cancel()
    if (this.#watched === watched) this.#watched = null
    if (this.#head.number === watched.revision) this.#head = { ...this.#head, ...outcome }
    await this.#keepState({ number: watched.revision, ...outcome })
    watched.decide({ revision: watched.revision, ...outcome })
  }

  async #keepState({ number, state, reason }: Pick<RevisionHead, 'number' | 'state' | 'reason'>): Promise<void> {
    try {
      await this.#options.revisions.update(number, { state, reason })
    } catch (error) {
      this.#options.log.error({ err: error, revision: number }, 'The state of a revision could not be stored')
    }
  }

  #record(type: string, severity: EventEntry['severity'], message: string, data: Record<string, unknown>): void {
    const time = this.#options.clock.now()
    this.#options.record({ kind: 'event', type, severity, time, message, source: 'gateway', data })
  }
}
