// A bound on how many expensive operations run at once: beyond it, callers are told to come back.

import { RequestError, type RequestErrorCode } from './problem.ts'

export interface GateOptions {
  readonly max: number
  /** Code of the refusal. */
  readonly code: RequestErrorCode
  readonly message: string
}

export class Gate {
  readonly #options: GateOptions
  #running = 0

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Runs `operation`, or refuses at once with `Retry-After`. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    const { max, code, message } = this.#options
    if (this.#running >= max) throw new RequestError(code, message, { headers: { 'retry-after': '1' } })
    this.#running += 1
    try {
      return await operation()
    } finally {
      this.#running -= 1
    }
  }
}
