// E-mails through one SMTP server (nodemailer, loaded when it is used).

import type { Transporter } from 'nodemailer'
import type { SmtpConfig } from '#config/brain-config.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { EmailBody } from './actions.ts'

const TIMEOUT_MS = 20_000

export class Mailer {
  readonly #config: SmtpConfig
  #transport: Promise<Transporter> | null = null

  constructor(config: SmtpConfig) {
    this.#config = config
  }

  /** Resolves when the server has taken it. Throws REJECTED (never again), CONNECTION_FAILED (retryable). */
  async send(id: string, { subject, text, to }: EmailBody): Promise<void> {
    this.#transport ??= this.#open()
    const transport = await this.#transport
    try {
      await transport.sendMail({
        from: this.#config.from,
        to: [...to],
        subject,
        text,
        messageId: `<${id}@telemetryx>`,
        disableFileAccess: true,
        disableUrlAccess: true,
      })
    } catch (cause) {
      throw failureOf(cause, this.#config.host)
    }
  }

  async close(): Promise<void> {
    if (this.#transport) (await this.#transport).close()
  }

  async #open(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer')
    const { host, password, port, tls, user } = this.#config
    return createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      ...(user === null || password === null ? {} : { auth: { user, pass: password } }),
    })
  }
}

/** RFC 5321 §4.2.1: 5yz is a permanent refusal. */
function failureOf(cause: unknown, host: string): TelemetryError {
  const answer = typeof cause === 'object' && cause !== null && 'responseCode' in cause ? Number(cause.responseCode) : 0
  const isFinal = answer >= 500 && answer < 600 && answer !== 530 && answer !== 535 // not: who we are
  const words = cause instanceof Error ? cause.message : String(cause)
  return new TelemetryError(isFinal ? 'REJECTED' : 'CONNECTION_FAILED', `${host}: ${words}`, {
    retryable: !isFinal,
    cause,
  })
}
