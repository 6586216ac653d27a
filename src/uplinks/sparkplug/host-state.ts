// STATE messages of the primary host, in the JSON form of Sparkplug 3.0 (§6.4.26):
//   spBv1.0/STATE/{host}   {"online":true,"timestamp":1763640000000}   retained, QoS 1

const MAX_BYTES = 4096

/** What one MQTT session has heard of its primary host. */
export class HostState {
  #timestamp = Number.NEGATIVE_INFINITY
  #isOnline: boolean | null = null

  /** null: nothing heard yet. */
  get isOnline(): boolean | null {
    return this.#isOnline
  }

  /**
   * Takes a message. One that is older than what is known is a will that the broker delivers late, for a session of the host
   * that another has followed: it says nothing (§5.4). So does one that is not of this form.
   */
  take(payload: Uint8Array): void {
    const state = parseState(payload)
    if (state === null || state.timestamp < this.#timestamp) return
    this.#timestamp = state.timestamp
    this.#isOnline = state.online
  }
}

function parseState(payload: Uint8Array): { online: boolean; timestamp: number } | null {
  if (payload.length > MAX_BYTES) return null
  try {
    const parsed: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('online' in parsed) || !('timestamp' in parsed)) return null
    const { online, timestamp } = parsed
    if (typeof online !== 'boolean' || typeof timestamp !== 'number' || !Number.isFinite(timestamp)) return null
    return { online, timestamp }
  } catch {
    return null
  }
}
