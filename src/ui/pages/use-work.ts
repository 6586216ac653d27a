// Something that a form does: busy while it runs, and in words why it failed.

import { useState } from 'preact/hooks'
import { errorMessage } from '../client/http.ts'

export function useWork(
  work: () => Promise<void>,
  onDone: () => void,
): { readonly isBusy: boolean; readonly error: string | null; readonly run: () => void } {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const start = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      await work()
      onDone()
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  return { isBusy, error, run: () => void start() }
}
