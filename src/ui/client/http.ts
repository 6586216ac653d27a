// HTTP to the gateway, or to central: JSON in and out, problem documents (RFC 9457) as ApiError, no answer as ApiError with status 0.

import { ShapeError } from './fields.ts'
import { readFile, readLines, type Progress } from './http-body.ts'

export interface FieldProblem {
  readonly path: string
  readonly message: string
}

/** A refused or failed request. `code` is the problem's stable word; `OFFLINE` when no answer came. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  /** Places that the gateway named: fields of a request, lines of a text, keys. */
  readonly errors: readonly FieldProblem[]

  constructor(
    status: number,
    code: string,
    message: string,
    options?: ErrorOptions & { readonly errors?: readonly FieldProblem[] },
  ) {
    super(message, options)
    this.status = status
    this.code = code
    this.errors = options?.errors ?? []
  }
}

/** What is used of `fetch`. */
export type Fetcher = (path: string, init: RequestInit) => Promise<Response>

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Request {
  readonly method?: Method
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** Told the revision that the answer has; null: it tells none. */
  readonly onEtag?: (etag: string | null) => void
  /** Default: 15 s. */
  readonly timeoutMs?: number
}

export interface HttpClient {
  /** Answers the decoded JSON, undefined for an empty answer. Throws ApiError. `path` begins after /api/v1. */
  request(path: string, request?: Request): Promise<unknown>
  /** Answers a file, however large: it is not held in the page's memory. Throws ApiError. */
  download(path: string, request: DownloadRequest): Promise<Download>
  /** Tells each line of an NDJSON answer, decoded, as it comes. Throws ApiError, also when the answer breaks off. */
  lines(path: string, request: Request, onLine: (line: unknown) => void): Promise<void>
}

export interface DownloadRequest extends Request {
  readonly onProgress?: Progress
}

export interface Download {
  /** As the gateway names it; null: it does not. */
  readonly name: string | null
  readonly content: Blob
}

const TIMEOUT_MS = 15_000

/**
 * @param onUnauthenticated called for each 401 outside of the session routes: the page then asks for a login.
 * @param peer what answers, as it begins a sentence.
 */
export function createHttpClient(fetcher: Fetcher, onUnauthenticated: () => void, peer = 'The gateway'): HttpClient {
  /** An answer that is no JSON. */
  const open = async (path: string, request: Request): Promise<Response> => {
    const response = await send(fetcher, peer, path, request)
    if (response.ok) return response
    if (response.status === 401) onUnauthenticated()
    throw problem(response, peer, await readJson(response, peer))
  }
  return {
    async request(path, request = {}) {
      const response = await send(fetcher, peer, path, request)
      const answer = await readJson(response, peer)
      if (response.ok) {
        request.onEtag?.(response.headers.get('etag'))
        return answer
      }
      if (response.status === 401 && !path.startsWith('/session')) onUnauthenticated()
      throw problem(response, peer, answer)
    },
    async download(path, request) {
      const response = await open(path, request)
      const content = await unbroken(readFile(response, request.onProgress), request.signal)
      return { name: fileName(response), content }
    },
    async lines(path, request, onLine) {
      const response = await open(path, request)
      await unbroken(readLines(response, onLine), request.signal)
    },
  }
}

async function unbroken<T>(reading: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    // What the lines themselves say is no matter of the connection.
    if (signal?.aborted || cause instanceof ApiError || cause instanceof ShapeError) throw cause
    throw new ApiError(0, 'OFFLINE', 'The connection broke before the whole answer was here.', { cause })
  }
}

/** `attachment; filename="edge-01-backup.tar"` */
function fileName(response: Response): string | null {
  return /filename="([^"/\\]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? null
}

async function send(fetcher: Fetcher, peer: string, path: string, request: Request): Promise<Response> {
  const { method = 'GET', body, signal, headers, timeoutMs = TIMEOUT_MS } = request
  const timeout = AbortSignal.timeout(timeoutMs)
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  try {
    return await fetcher(`/api/v1${path}`, {
      method,
      credentials: 'same-origin',
      headers: { accept: 'application/json', ...type, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ApiError(0, 'OFFLINE', `${peer} does not answer.`, { cause })
  }
}

async function readJson(response: Response, peer: string): Promise<unknown> {
  const text = await response.text()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError(response.status, 'UNREADABLE', `${peer} answered with something that is no JSON.`, { cause })
  }
}

function problem(response: Response, peer: string, answer: unknown): ApiError {
  const { code, detail, title, errors } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<
    string,
    unknown
  >
  const message =
    typeof detail === 'string' ? detail : typeof title === 'string' ? title : `${peer} answered ${response.status}.`
  return new ApiError(response.status, typeof code === 'string' ? code : 'UNKNOWN', message, {
    errors: Array.isArray(errors) ? errors.filter(isFieldProblem) : [],
  })
}

function isFieldProblem(source: unknown): source is FieldProblem {
  const { path, message } = (source ?? {}) as Record<string, unknown>
  return typeof path === 'string' && typeof message === 'string'
}

/** True when a request was given up by its own caller: nothing to show. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** An error in words for people. */
export function errorMessage(error: unknown): string {
  if (error instanceof ShapeError)
    return `This page does not understand the answer (${error.message}). It may be older than what answers: reload it.`
  return error instanceof Error ? error.message : String(error)
}
