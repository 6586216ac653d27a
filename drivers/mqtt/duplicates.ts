// Remembers which QoS 1 messages were passed on lately: one that the broker sends again after a reconnect, because our
// acknowledgement did not reach it, is not passed on twice.

import { hash } from 'node:crypto'

/** A broker has no more than this under way for one client: mosquitto 20, EMQX 32, HiveMQ 10 by default. */
const MAX_REMEMBERED = 4096

export class Duplicates {
  /** By message id; the oldest first. */
  readonly #seen = new Map<number, string>()

  /** Notes a message that is passed on. */
  note(id: number, topic: string, payload: Uint8Array): void {
    this.#seen.delete(id)
    this.#seen.set(id, fingerprint(topic, payload))
    if (this.#seen.size <= MAX_REMEMBERED) return
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest)
      return
    }
  }

  /** True when this very message was passed on under this id. */
  has(id: number, topic: string, payload: Uint8Array): boolean {
    return this.#seen.get(id) === fingerprint(topic, payload)
  }

  /** The broker has no session of ours: its message ids begin anew. */
  clear(): void {
    this.#seen.clear()
  }
}

function fingerprint(topic: string, payload: Uint8Array): string {
  return `${topic}\u0000${hash('sha1', payload, 'base64')}`
}
