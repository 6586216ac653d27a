// Asks again every few seconds for as long as the part is shown and somebody can see it. What was known stays when central is away.

import { useEffect, useRef, useState } from 'preact/hooks'
import { ShapeError } from '../client/fields.ts'
import { errorMessage } from '../client/http.ts'
import { useFrame } from '../state/frame.ts'

const EVERY_MS = 3000

export interface Polled<T> {
  /** null: nothing yet. */
  readonly value: T | null
  /** Why the last asking failed; null: it did not. */
  readonly error: string | null
  /** Asks now. */
  readonly refresh: () => void
}

/** `key`: what is asked for; another one begins anew. */
export function usePoll<T>(read: () => Promise<T>, key: string, everyMs = EVERY_MS): Polled<T> {
  const [value, setValue] = useState<T | null>(null)
  const [error, setError] = useState<string | null>(null)
  const latest = useRef(read)
  latest.current = read
  const refresh = useRef(() => {})
  const { pageAge } = useFrame()
  useEffect(() => {
    let round = 0
    let hasFailed = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      const own = ++round
      const isLatest = (): boolean => own === round
      try {
        const answer = await latest.current()
        if (!isLatest()) return
        setValue(answer)
        setError(null)
        // It was away, perhaps to be updated.
        if (hasFailed) void pageAge.check()
        hasFailed = false
      } catch (cause) {
        if (!isLatest()) return
        hasFailed = true
        setError(errorMessage(cause))
        if (cause instanceof ShapeError) void pageAge.check()
      }
      if (!document.hidden) timer = setTimeout(() => void ask(), everyMs)
    }
    const onShown = (): void => {
      if (!document.hidden) void ask()
    }
    refresh.current = () => void ask()
    document.addEventListener('visibilitychange', onShown)
    void ask()
    return () => {
      round = -1
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onShown)
    }
  }, [key])
  return { value, error, refresh: () => refresh.current() }
}
