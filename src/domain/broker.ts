// The gateway's own MQTT broker as a driver sees it: messages without a connection in between.

/** One message of a publisher. */
export interface LocalMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** What the publisher asked for. */
  readonly qos: 0 | 1 | 2
  /** It was kept by the broker from before the subscription: how old it is, nobody knows. */
  readonly isRetained: boolean
}

export interface LocalBroker {
  /**
   * Hears every message whose topic matches one of the filters, each once, beginning with retained ones. The publisher of
   * a message with QoS 1 or 2 gets its acknowledgement when the promise resolves. Returns the unsubscribe.
   * Throws CONNECTION_FAILED when the broker does not run.
   */
  subscribe(filters: readonly string[], listener: (message: LocalMessage) => Promise<void> | void): () => void
  /** Publishes a message of the gateway itself, QoS 0. Nothing happens while the broker does not run. */
  publish(topic: string, payload: Uint8Array): void
}
