// A list that is read page by page, newest first, anew when what is asked for changes.

import { useEffect, useState } from 'preact/hooks'
import type { Page } from '../client/decode-page.ts'
import { errorMessage, isAborted } from '../client/http.ts'

export interface Pages<T> {
  readonly entries: readonly T[]
  readonly isLoading: boolean
  readonly error: string | null
  /** Reads the next page; null: that was all. */
  readonly more: (() => void) | null
}

/** `key`: what is asked for. `read`: one page of it; `cursor` is empty for the first. */
export function usePages<T>(key: string, read: (cursor: string, signal: AbortSignal) => Promise<Page<T>>): Pages<T> {
  const [entries, setEntries] = useState<readonly T[]>([])
  const [next, setNext] = useState<string | null>(null)
  const [isLoading, setLoading] = useState(true)
  const [error, setError] = useState<string | null>(null)
  const load = async (cursor: string | null, signal: AbortSignal): Promise<void> => {
    setLoading(true)
    const page = await read(cursor ?? '', signal)
    if (signal.aborted) return
    setEntries((before) => (cursor === null ? page.items : [...before, ...page.items]))
    setNext(page.next)
    setError(null)
    setLoading(false)
  }
  const run = (cursor: string | null, signal: AbortSignal): void => {
    load(cursor, signal).catch((cause: unknown) => {
      if (signal.aborted || isAborted(cause)) return
      setError(errorMessage(cause))
      setLoading(false)
    })
  }
  useEffect(() => {
    const abort = new AbortController()
    run(null, abort.signal)
    return () => abort.abort()
  }, [key])
  return { entries, isLoading, error, more: next === null ? null : () => run(next, new AbortController().signal) }
}
