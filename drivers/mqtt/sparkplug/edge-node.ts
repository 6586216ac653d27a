// What is known of one edge node while it lives: whether its births were seen, and what their aliases mean. Only metrics
// that a sensor wants are kept, so that it cannot grow beyond the configuration.

import type { Metric } from '#kit/sparkplug/payload.ts'

interface Known {
  readonly name: string
  readonly datatype: number | null
}

/** Birth of a node or of one of its devices. */
class Birth {
  readonly byName = new Map<string, Known>()
  readonly byAlias = new Map<bigint, Known>()
}

export class EdgeNode {
  readonly #wanted: ReadonlySet<string>
  readonly #births = new Map<string | null, Birth>()
  #session: bigint | null = null

  /** @param wanted names of metrics. */
  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted
  }

  /** Takes a birth of the node (device null, which ends what was known of its devices) or of a device. */
  born(device: string | null, metrics: readonly Metric[]): void {
    if (device === null) {
      this.#births.clear()
      this.#session = sessionOf(metrics)
    }
    const birth = new Birth()
    for (const { name, alias, datatype } of metrics) {
      if (name === null || !this.#wanted.has(name)) continue
      const known = { name, datatype }
      birth.byName.set(name, known)
      if (alias !== null) birth.byAlias.set(alias, known)
    }
    this.#births.set(device, birth)
  }

  /** Takes a death. False: it is that of an earlier session, overtaken by the birth of the present one (bdSeq). */
  died(device: string | null, metrics: readonly Metric[]): boolean {
    const session = sessionOf(metrics)
    if (device === null && this.#session !== null && session !== null && session !== this.#session) return false
    if (device === null) this.#births.clear()
    else this.#births.delete(device)
    return true
  }

  /** True once the birth has been seen: then an alias that is unknown belongs to a metric that nobody wants. */
  isKnown(device: string | null): boolean {
    return this.#births.has(device)
  }

  /** Name and datatype of a metric of a DATA message; null when nobody wants it or its alias is not known. */
  identify(device: string | null, metric: Metric): Known | null {
    const birth = this.#births.get(device)
    const known =
      metric.name === null
        ? metric.alias === null
          ? undefined
          : birth?.byAlias.get(metric.alias)
        : (birth?.byName.get(metric.name) ?? { name: metric.name, datatype: null })
    return known ? { name: known.name, datatype: metric.datatype ?? known.datatype } : null
  }
}

function sessionOf(metrics: readonly Metric[]): bigint | null {
  const raw = metrics.find(({ name }) => name === 'bdSeq')?.raw
  return typeof raw === 'bigint' ? raw : typeof raw === 'number' ? BigInt(Math.trunc(raw)) : null
}
