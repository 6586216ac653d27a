// One POST of an alert: signed, within a time limit, to an address that may be reached; redirects are not followed.
//
//   X-TelemetryX-Delivery: id of the action, the same for each try
//   X-TelemetryX-Signature: t=UNIX_SECONDS,v1=HEX   HMAC-SHA-256 with the secret over "UNIX_SECONDS.BODY"

import { createHmac } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { TelemetryError } from '#domain/errors.ts'
import { describeSocketError } from '#kit/socket-reason.ts'
import type { WebhookBody } from './actions.ts'
import type { AddressGuard } from './safe-address.ts'

export interface WebhookOptions {
  readonly guard: AddressGuard
  readonly timeoutMs: number
  /** Unix milliseconds. */
  readonly now: () => number
}

/** Resolves when the receiver answered 2xx. Throws REJECTED (never again), CONNECTION_FAILED, TIMEOUT, … (retryable). */
export function postWebhook(
  id: string,
  body: WebhookBody,
  options: WebhookOptions,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(body.url)
  options.guard.check(url.hostname)
  const content = Buffer.from(JSON.stringify(body.alert))
  const seconds = Math.floor(options.now() / 1000)
  const signature = createHmac('sha256', body.secret).update(`${seconds}.`).update(content).digest('hex')
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': content.length,
    'User-Agent': 'telemetryx',
    'X-TelemetryX-Delivery': id,
    ...(body.secret === '' ? {} : { 'X-TelemetryX-Signature': `t=${seconds},v1=${signature}` }),
  }
  const timeoutMs = body.timeoutMs > 0 ? body.timeoutMs : options.timeoutMs
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'POST', headers, lookup: options.guard.lookup, agent: false, signal: limit })
    request.on('response', (response) => {
      response.resume() // what it says is of no use
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) resolve()
      else reject(refusedBy(url.host, status))
      response.destroy()
    })
    request.on('error', (cause) => reject(failureOf(cause, url.host, limit, timeoutMs)))
    request.end(content)
  })
}

/** What a receiver will not take later either is not tried again: all of 4xx but 408, 425 and 429. */
function refusedBy(host: string, status: number): TelemetryError {
  const isLater = status >= 500 || status === 408 || status === 425 || status === 429
  return new TelemetryError(isLater ? 'CONNECTION_FAILED' : 'REJECTED', `${host} answers ${status}`, {
    retryable: isLater,
    context: { status },
  })
}

function failureOf(cause: Error, host: string, limit: AbortSignal, timeoutMs: number): TelemetryError {
  if (cause instanceof TelemetryError) return cause
  if (limit.aborted)
    return new TelemetryError('TIMEOUT', `${host} does not answer within ${timeoutMs} ms`, { retryable: true, cause })
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const known = describeSocketError(code, host)
  return new TelemetryError(known?.code ?? 'CONNECTION_LOST', known?.message ?? `${host}: ${cause.message}`, {
    retryable: true,
    cause,
  })
}
