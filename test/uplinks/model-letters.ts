// Dead letters in memory, as the port says: for the tests of the forwarder.

import type { DeadLetter, DeadLetterBox, KeptLetter } from '#domain/dead-letter.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { GatewayPorts } from '#uplinks/gateway-ports.ts'

/** Ports of a gateway that has nothing but dead letters. */
export function modelPorts(deadLetters: DeadLetterBox, overrides: Partial<GatewayPorts> = {}): GatewayPorts {
  const nothing = (): never => {
    throw new TelemetryError('NOT_FOUND', 'There is no such thing here')
  }
  return {
    configDir: '/nowhere',
    stateDir: '/nowhere',
    epoch: 1,
    version: '0.0.0',
    deadLetters,
    commands: { write: nothing, acknowledge: nothing, check: () => Promise.resolve([]) },
    latest: () => null,
    record: () => {},
    ...overrides,
  }
}

export class ModelLetters implements DeadLetterBox {
  readonly letters = new Map<string, KeptLetter[]>()
  #next = 1

  add(
    uplink: string,
    letters: readonly DeadLetter[],
    max: number,
  ): Promise<{ readonly held: number; readonly evicted: number }> {
    const kept = this.#of(uplink)
    for (const letter of letters) {
      const at = kept.findIndex(({ epoch, seq }) => epoch === letter.epoch && seq === letter.seq)
      const old = kept[at]
      if (old) kept[at] = { ...letter, id: old.id, attempts: old.attempts + 1 }
      else kept.push({ ...letter, id: this.#next++, attempts: 1 })
    }
    const evicted = Math.max(0, kept.length - max)
    kept.splice(0, evicted)
    return Promise.resolve({ held: kept.length, evicted })
  }

  list(uplink: string, { after, limit }: { after: number; limit: number }): Promise<readonly KeptLetter[]> {
    return Promise.resolve(
      this.#of(uplink)
        .filter(({ id }) => id > after)
        .slice(0, limit),
    )
  }

  get(uplink: string, id: number): Promise<KeptLetter | null> {
    return Promise.resolve(this.#of(uplink).find((letter) => letter.id === id) ?? null)
  }

  remove(uplink: string, ids: readonly number[]): Promise<number> {
    const kept = this.#of(uplink)
    const rest = kept.filter(({ id }) => !ids.includes(id))
    this.letters.set(uplink, rest)
    return Promise.resolve(kept.length - rest.length)
  }

  count(uplink: string): Promise<number> {
    return Promise.resolve(this.#of(uplink).length)
  }

  #of(uplink: string): KeptLetter[] {
    const kept = this.letters.get(uplink) ?? []
    this.letters.set(uplink, kept)
    return kept
  }
}
