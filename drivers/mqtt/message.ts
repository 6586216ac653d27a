// A message as a device gets it, from a broker elsewhere or from the embedded one.

export interface MqttMessage {
  readonly topic: string
  /** Belongs to the connection: copy what must outlive the call. */
  readonly payload: Uint8Array
  /** The broker had it before we subscribed: how old it is, nobody knows. */
  readonly isRetained: boolean
}
