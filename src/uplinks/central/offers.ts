// Configurations that central offers for this gateway: asked for from time to time, applied through the gateway's one door
// (watched, and rolled back when its health drops), and told of as they end. What was taken up is remembered on disk: an offer
// is applied once, also when applying it restarts this uplink or the gateway ends meanwhile.
//
//   GET /api/v1/gateways/{id}/configuration            If-None-Match: "{revision}", Telemetryx-Can: plan
//     200 { "revision": "r7", "text": "version: 1 …", "comment": "…"?, "base": "…"? }   304, 204, 404: nothing new
//     Telemetryx-Plan: p3 with any of them: see plan-question.ts
//   PUT /api/v1/gateways/{id}/configuration/{revision} { "state", "number", "reason", "problems", "plan"? }

import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import type { OfferDesk } from '#domain/uplink.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { statusError } from './failure.ts'
import type { HttpLine } from './http-line.ts'
import { OfferRecord, type TakenOffer } from './offer-record.ts'
import { answerPlan, CAN_PLAN, problemsIn, planNamed, wordsOfPlan, type PlanWords } from './plan-question.ts'

const DEFAULT_EVERY_MS = 30_000
const MIN_EVERY_MS = 1000
const MAX_EVERY_MS = 86_400_000
/** Whoever has a plan made makes another one soon: for this long central is asked more often. */
const ATTENTIVE_MS = 300_000
const ATTENTIVE_EVERY_MS = 2000

export interface OffersOptions {
  readonly clock: Clock
  readonly log: Log
  readonly line: HttpLine
  readonly desk: OfferDesk
  readonly gateway: string
  readonly uplink: string
  /** Folder of this uplink; undefined: nothing is remembered. */
  readonly stateDir: string | undefined
  /** Number of this start of the gateway. */
  readonly epoch: number
  readonly everyMs?: number
}

interface Offer {
  readonly revision: string
  readonly text: string
  readonly comment: string | null
  /** ETag of the configuration that it was planned against. */
  readonly base: string | null
}

interface Asked {
  readonly offer: Offer | null
  /** Name of a plan that somebody at central waits for. */
  readonly plan: string | null
}

export class Offers {
  readonly #options: OffersOptions
  readonly #record: OfferRecord
  #timer: Timer | null = null
  #isOver = false
  #attentiveUntil = 0
  /** A plan that central did not take. */
  #refusedPlan: string | null = null
  /** What the revision that was taken up last changes, in words. */
  #plan: { readonly revision: string; readonly words: PlanWords } | null = null

  constructor(options: OffersOptions) {
    this.#options = options
    this.#record = new OfferRecord(options.stateDir)
  }

  /** Asks at once, and then from time to time. */
  start(): void {
    if (this.#isOver) return
    const { clock, log, uplink } = this.#options
    this.look()
      .catch((cause: unknown) => {
        if (!this.#isOver)
          log.warn({ uplink, reason: toTelemetryError(cause).message }, 'Asking central for a configuration failed')
      })
      .finally(() => {
        if (!this.#isOver) this.#timer = clock.after(this.#everyMs(), () => this.start())
      })
  }

  /** Looks no further; what is being applied is applied. Safe to call twice. */
  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  /** One round: how the last one ended, whether there is another, and whether a plan is wanted. */
  async look(): Promise<void> {
    const taken = await this.#follow(await this.#record.read())
    const { offer, plan } = await this.#ask(taken?.revision ?? null)
    if (offer !== null && offer.revision !== taken?.revision && !this.#isOver) await this.#take(offer)
    if (plan === null || plan === this.#refusedPlan || this.#isOver) return
    const isTaken = await answerPlan(plan, this.#options)
    this.#refusedPlan = isTaken ? null : plan // another time the answer is the same
    this.#attentiveUntil = this.#options.clock.now() + ATTENTIVE_MS
  }

  #everyMs(): number {
    const { clock, everyMs = DEFAULT_EVERY_MS } = this.#options
    const usual = Math.min(Math.max(everyMs, MIN_EVERY_MS), MAX_EVERY_MS)
    return clock.now() < this.#attentiveUntil ? Math.min(usual, ATTENTIVE_EVERY_MS) : usual
  }

  /** What has become of the offer that was taken up last, from the gateway's own list. */
  async #follow(taken: TakenOffer | null): Promise<TakenOffer | null> {
    if (taken === null) return null
    const state = this.#stateOf(taken)
    const now = state === null ? taken : { ...taken, ...state }
    if (now.state !== taken.told) return this.#tell(now)
    return now
  }

  #stateOf({ revision, epoch, number, state }: TakenOffer): Pick<TakenOffer, 'state' | 'number' | 'reason'> | null {
    if (state !== 'applying' && state !== 'watched') return null
    const head = this.#options.desk
      .revisions()
      .find((each) =>
        number === null
          ? each.origin === 'central' && each.comment?.startsWith(mark(revision))
          : each.number === number,
      )
    if (head) return { state: head.state, number: head.number, reason: head.reason }
    if (epoch === this.#options.epoch) return null
    return { state: 'failed', number, reason: 'The gateway ended while it was applied' }
  }

  async #take(offer: Offer): Promise<void> {
    const { epoch, log, uplink } = this.#options
    const { revision } = offer
    const begun: TakenOffer = {
      revision,
      epoch,
      number: null,
      state: 'applying',
      reason: null,
      problems: [],
      told: null,
    }
    await this.#record.write(begun) // before it is applied: that may restart us
    log.info({ uplink, revision }, 'Central offers a configuration')
    await this.#tell(await this.#apply(offer, begun))
  }

  /** Never rejects: what it cannot do is what became of it. */
  async #apply({ base, comment, revision, text }: Offer, begun: TakenOffer): Promise<TakenOffer> {
    const { desk, line, log, uplink } = this.#options
    try {
      const note = `${mark(revision)}${comment === null ? '' : `: ${comment}`}`
      const by = `central ${line.name}`
      const applied = await desk.apply({ text, by, origin: 'central', comment: note, ifMatch: base })
      this.#plan = { revision, words: wordsOfPlan(applied.plan) }
      return { ...begun, number: applied.revision, state: applied.watchedUntil === null ? 'kept' : 'watched' }
    } catch (cause) {
      const { context, message } = toTelemetryError(cause)
      log.warn({ uplink, revision, reason: message }, 'The configuration of central was not applied')
      return { ...begun, state: 'failed', reason: message, problems: problemsIn(context) }
    }
  }

  /** Remembers, then tells central; what could not be told is told in the next round. */
  async #tell(taken: TakenOffer): Promise<TakenOffer> {
    const { gateway, line } = this.#options
    await this.#record.write(taken)
    const { number, problems, reason, revision, state } = taken
    const path = `/api/v1/gateways/${encodeURIComponent(gateway)}/configuration/${encodeURIComponent(revision)}`
    const plan = this.#plan?.revision === revision ? this.#plan.words : undefined
    const body = Buffer.from(JSON.stringify({ state, number, reason, problems, plan }))
    const answer = await line.send({ method: 'PUT', path, headers: { 'Content-Type': 'application/json' }, body })
    if (answer.status >= 500 || answer.status === 429) throw statusError(answer, line.name)
    if (plan) this.#plan = null // told once
    const told = { ...taken, told: state } // also when central does not want to know
    await this.#record.write(told)
    return told
  }

  async #ask(last: string | null): Promise<Asked> {
    const { gateway, line } = this.#options
    const headers = { ...CAN_PLAN, ...(last !== null && { 'If-None-Match': JSON.stringify(last) }) }
    const path = `/api/v1/gateways/${encodeURIComponent(gateway)}/configuration`
    const answer = await line.send({ method: 'GET', path, headers })
    const plan = planNamed(answer)
    if (answer.status === 200) return { offer: parseOffer(answer.body, line.name), plan }
    if (answer.status === 204 || answer.status === 304 || answer.status === 404) return { offer: null, plan }
    throw statusError(answer, line.name)
  }
}

/** Stands before the comment of a revision that came from central. */
function mark(revision: string): string {
  return `Revision ${revision} of central`
}

function parseOffer(body: Buffer, name: string): Offer {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null) {
      const { revision, text, comment = null, base = null } = parsed as Record<string, unknown>
      const isSound = typeof revision === 'string' && /^[\w.:-]{1,100}$/.test(revision) && typeof text === 'string'
      if (isSound && isTextOrNull(comment) && isTextOrNull(base))
        return { revision, text, comment: comment?.slice(0, 500) ?? null, base }
    }
  } catch {
    // falls through: it is no JSON
  }
  throw new TelemetryError('PROTOCOL', `${name} offers a configuration that makes no sense`, { retryable: true })
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
