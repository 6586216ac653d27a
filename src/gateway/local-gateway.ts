// The gateway that runs on this machine, as commands talk to it: through its API, with the credentials of its data folder.

import { readFileSync } from 'node:fs'
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { LOCAL_ACCESS_FILE, LOCAL_USER_HEADER } from '#api/auth/local-access.ts'
import { ERROR_CODES, TelemetryError, type ErrorCode } from '#domain/errors.ts'

export interface LocalRequest {
  readonly method: string
  /** Below /api/v1. */
  readonly path: string
  /** YAML, unless the headers name another media type. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One thing that is wrong, as the API names it: `FILE:LINE:COLUMN`, or a key. */
export interface LocalFault {
  readonly path: string
  readonly message: string
}

interface Access {
  readonly url: string
  readonly token: string
}

export class LocalGateway {
  readonly #access: Access
  readonly #dataDir: string

  /** Throws CONNECTION_FAILED when no gateway runs on the folder, PERMISSION_DENIED when it is another user's. */
  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#access = readAccess(dataDir)
  }

  /** `http://127.0.0.1:8080`, or `https:`, without a path. */
  get url(): string {
    return this.#access.url
  }

  /** What GET of any path answers, whatever that is. Throws CONNECTION_FAILED. */
  get(path: string, timeoutMs: number): Promise<LocalAnswer> {
    const headers = { authorization: `Bearer ${this.#access.token}`, [LOCAL_USER_HEADER]: userName() }
    const signal = AbortSignal.timeout(timeoutMs)
    return send(new URL(this.url + path), undefined, { method: 'GET', headers, signal }).catch((cause: unknown) => {
      throw notRunning(this.#dataDir, cause)
    })
  }

  /** The answer's JSON; null for an empty one. Throws what the API answers, with `faults` in its context; CONNECTION_FAILED. */
  async ask<T>({ method, path, body, headers }: LocalRequest): Promise<T> {
    const { url, token } = this.#access
    const { status, text } = await send(new URL(`${url}/api/v1${path}`), body, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        [LOCAL_USER_HEADER]: userName(),
        ...(body === undefined ? {} : { 'content-type': 'application/yaml' }),
        ...headers,
      },
    }).catch((cause: unknown) => {
      throw notRunning(this.#dataDir, cause)
    })
    if (status < 400) return (text === '' ? null : JSON.parse(text)) as T
    throw problemOf(text)
  }
}

function readAccess(dataDir: string): Access {
  const path = join(dataDir, LOCAL_ACCESS_FILE)
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Access
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') {
      const message = `${path} belongs to the gateway's user: run the command as that user, or as root`
      throw new TelemetryError('PERMISSION_DENIED', message, { cause: error })
    }
    throw notRunning(dataDir, error)
  }
}

function notRunning(dataDir: string, cause: unknown): TelemetryError {
  return new TelemetryError('CONNECTION_FAILED', `No gateway runs on the data folder ${dataDir}`, { cause })
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

export interface LocalAnswer {
  readonly status: number
  readonly text: string
}

/**
 * A certificate is not looked at: the address is this machine's own, and the token holds only for the gateway that wrote it,
 * so that whoever took its place would learn nothing of use.
 */
function send(url: URL, body: string | undefined, options: RequestOptions): Promise<LocalAnswer> {
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: IncomingMessage): void => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    }
    const request =
      url.protocol === 'https:'
        ? requestHttps(url, { ...options, rejectUnauthorized: false }, onAnswer)
        : requestHttp(url, options, onAnswer)
    request.on('error', reject)
    request.end(body)
  })
}

function problemOf(text: string): TelemetryError {
  const { code, detail, errors } = parsed(text)
  const known: ErrorCode = code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'INTERNAL'
  return new TelemetryError(known, detail ?? 'The gateway gave an answer that makes no sense', {
    context: { faults: errors ?? [] },
  })
}

function parsed(text: string): { code?: string; detail?: string; errors?: readonly LocalFault[] } {
  try {
    return JSON.parse(text) as { code?: string; detail?: string; errors?: readonly LocalFault[] }
  } catch {
    return {}
  }
}
