// Waits for a broker's answer to our CONNECT.

import type { MqttClient } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import { closedError, connectionError } from '#kit/mqtt-reason.ts'

/**
 * Resolves with true when the broker has accepted us and still knows our session, false when it is a new one. Rejects with
 * the reason in plain words; the client is ended then.
 */
export function accepted(client: MqttClient, name: string, signal: AbortSignal): Promise<boolean> {
  client.on('error', () => {}) // for as long as the client lives: an 'error' without a listener would be thrown
  return new Promise((resolve, reject) => {
    const finish = (error: TelemetryError | null, session = false): void => {
      client.off('connect', onConnect).off('error', onError).off('close', onClose)
      signal.removeEventListener('abort', onAbort)
      if (error === null) return resolve(session)
      client.end(true)
      reject(error)
    }
    const onConnect = ({ sessionPresent }: { sessionPresent: boolean }): void => finish(null, sessionPresent)
    const onError = (cause: Error): void => finish(connectionError(cause, name))
    const onClose = (): void => finish(closedError(name, true))
    const onAbort = (): void =>
      finish(new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason }))
    client.on('connect', onConnect).on('error', onError).on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
