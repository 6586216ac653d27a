// HTTP to the gateway: JSON in and out, problem documents (RFC 9457) as ApiError, no answer as ApiError with status 0.

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

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Request {
  readonly method?: Method
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** Default: 15 s. */
  readonly timeoutMs?: number
}

export interface HttpClient {
  /** Answers the decoded JSON, undefined for an empty answer. Throws ApiError. `path` begins after /api/v1. */
  request(path: string, request?: Request): Promise<unknown>
}

const TIMEOUT_MS = 15_000

/** @param onUnauthenticated called for each 401 outside of the session routes: the page then asks for a login. */
export function createHttpClient(fetcher: Fetcher, onUnauthenticated: () => void): HttpClient {
  return {
    async request(path, request = {}) {
      const response = await send(fetcher, path, request)
      const answer = await readJson(response)
      if (response.ok) return answer
      if (response.status === 401 && !path.startsWith('/session')) onUnauthenticated()
      throw problem(response, answer)
    },
  }
}

async function send(fetcher: Fetcher, path: string, request: Request): Promise<Response> {
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
    throw new ApiError(0, 'OFFLINE', 'The gateway does not answer.', { cause })
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError(response.status, 'UNREADABLE', 'The gateway answered with something that is no JSON.', { cause })
  }
}

function problem(response: Response, answer: unknown): ApiError {
  const { code, detail, title, errors } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<
    string,
    unknown
  >
  const message =
    typeof detail === 'string' ? detail : typeof title === 'string' ? title : `The gateway answered ${response.status}.`
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
  return error instanceof Error ? error.message : String(error)
}
