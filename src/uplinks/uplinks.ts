// The uplinks of one gateway: a forwarder for each, their status for the API, their metrics. No uplink waits for another.

import { isDeepStrictEqual } from 'node:util'
import type { Component } from '#domain/component.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import type { Journal } from '#domain/journal.ts'
import type { Model } from '#domain/sensor.ts'
import type { UplinkDirectory, UplinkLetters } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { dropCounter } from '#kit/dropped.ts'
import type { Registry } from '#kit/metrics.ts'
import { readerOf, type UplinkDefinition } from './definition.ts'
import { Forwarder, REJECTED } from './forwarder.ts'
import type { GatewayPorts } from './gateway-ports.ts'
import { DISCARDED, GAP, LETTERS_FULL, UNKNOWN_SENSOR } from './ledger.ts'
import { exposeMetrics } from './uplink-metrics.ts'

export type { UplinkDefinition } from './definition.ts'

export interface UplinksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Uniform in [0, 1), for the jitter of retries. */
  random(): number
  readonly journal: Journal
  model(): Model
  /** Gateway id. */
  readonly gateway: string
  /** Factory as written in the configuration. */
  readonly factory: string
  readonly uplinks: readonly UplinkDefinition[]
  /** Uplinks that a later configuration will bring: the journal keeps for them what this run accepts before. */
  readonly expected?: readonly string[]
  /** Absent: no dead letters are kept, no commands taken (tests, benchmarks). */
  readonly ports?: GatewayPorts
}

export interface Uplinks extends Component, UplinkDirectory {
  readonly letters: UplinkLetters
  /**
   * Makes `definitions` the ones that run: starts new ones, which begin with the next record unless they were expected or have
   * a cursor from before; stops those that are gone, whose cursors stay; restarts changed ones where they were. All others run on
   * undisturbed, and hear that the model may have changed. What is under way may arrive until `signal` aborts.
   */
  applyUplinks(definitions: readonly UplinkDefinition[], signal: AbortSignal): Promise<void>
}

/** `start` waits for no receiver; `stop` lets what is under way arrive until its signal aborts. */
export function createUplinks(options: UplinksOptions): Uplinks {
  for (const reason of [GAP, UNKNOWN_SENSOR, REJECTED, DISCARDED, LETTERS_FULL])
    dropCounter(options.registry, 'uplink', reason) // there from the start, at 0
  return new RunningUplinks(options)
}

class RunningUplinks implements Uplinks {
  readonly name = 'uplinks'
  readonly #options: UplinksOptions
  readonly letters: UplinkLetters
  #forwarders: readonly Forwarder[]
  #isStopped = false

  constructor(options: UplinksOptions) {
    this.#options = options
    this.#forwarders = options.uplinks.map((definition) => this.#open(definition, false))
    this.letters = {
      list: async (uplink, after, limit) => await this.#of(uplink).listLetters(after, limit),
      retry: async (uplink, id) => await this.#of(uplink).retryLetter(id),
      discard: async (uplink, ids) => await this.#of(uplink).discardLetters(ids),
    }
    exposeMetrics(options.registry, () => this.#forwarders)
  }

  #of(uplink: string): Forwarder {
    const found = this.#forwarders.find(({ definition }) => definition.id === uplink)
    if (!found) throw new TelemetryError('NOT_FOUND', `There is no uplink ${uplink}`)
    return found
  }

  list() {
    return this.#forwarders.map((forwarder) => forwarder.status())
  }

  async start(): Promise<void> {
    const { expected = [], journal } = this.#options
    await Promise.all(expected.map((id) => journal.cursor(readerOf(id)))) // who has asked for it once is waited for
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.start()))
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.stop(signal)))
  }

  async applyUplinks(definitions: readonly UplinkDefinition[], signal: AbortSignal): Promise<void> {
    const before = this.#forwarders
    const kept = new Map<string, Forwarder>()
    for (const forwarder of before) {
      const next = definitions.find(({ id }) => id === forwarder.definition.id)
      if (next && isSameUplink(forwarder.definition, next)) kept.set(next.id, forwarder)
    }
    const leaving = before.filter((forwarder) => !kept.has(forwarder.definition.id))
    await Promise.all(leaving.map((forwarder) => forwarder.stop(signal)))
    if (this.#isStopped) return
    const next = definitions.map((definition) => kept.get(definition.id) ?? this.#openLate(definition))
    this.#forwarders = next
    for (const forwarder of kept.values()) forwarder.modelChanged()
    await Promise.all(next.filter(({ definition }) => !kept.has(definition.id)).map((forwarder) => forwarder.start()))
  }

  #openLate(definition: UplinkDefinition): Forwarder {
    return this.#open(definition, !(this.#options.expected ?? []).includes(definition.id))
  }

  #open(definition: UplinkDefinition, beginsAtHead: boolean): Forwarder {
    const { clock, log, journal, registry, gateway, factory, ports } = this.#options
    return new Forwarder({
      clock,
      log,
      random: () => this.#options.random(),
      journal,
      model: () => this.#options.model(),
      gateway,
      factory,
      definition,
      beginsAtHead,
      onDrop: (reason, count) => dropCounter(registry, 'uplink', reason).inc(count),
      ...(ports && { ports }),
    })
  }
}

/** True when `next` needs neither another connection nor another choice of records: the uplink may run on undisturbed. */
export function isSameUplink(present: UplinkDefinition, next: UplinkDefinition): boolean {
  const { kind, ...rest } = present
  const { kind: nextKind, ...nextRest } = next
  return kind === nextKind && isDeepStrictEqual(rest, nextRest)
}
