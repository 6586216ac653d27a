// What a text would change at a gateway: asked, and then looked for until the gateway has said it.

import { useEffect, useState } from 'preact/hooks'
import { errorMessage } from '../client/http.ts'
import { useCentral } from './services.ts'
import type { PlanQuestion } from './wire.ts'

const LOOK_EVERY_MS = 1000

export interface Planning {
  /** null: nothing is asked. */
  readonly question: PlanQuestion | null
  readonly isBusy: boolean
  readonly error: string | null
  readonly ask: (text: string) => void
  /** The text is another one by now. */
  readonly forget: () => void
}

export function usePlan(gateway: string): Planning {
  const { api } = useCentral()
  const [question, setQuestion] = useState<PlanQuestion | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const waitsFor = question?.state === 'waiting' ? question.plan : null
  useEffect(() => {
    if (waitsFor === null) return
    let timer: ReturnType<typeof setTimeout>
    let isOver = false
    const look = async (): Promise<void> => {
      try {
        const now = await api.plan(gateway, waitsFor)
        if (isOver) return
        setError(null)
        if (now.state !== 'waiting') setQuestion(now)
      } catch (cause) {
        if (isOver) return
        setError(errorMessage(cause))
      }
      timer = setTimeout(() => void look(), LOOK_EVERY_MS)
    }
    timer = setTimeout(() => void look(), LOOK_EVERY_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [gateway, waitsFor])
  const ask = async (text: string): Promise<void> => {
    setBusy(true)
    setError(null)
    setQuestion(null)
    try {
      setQuestion(await api.askPlan(gateway, text))
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  const forget = (): void => {
    setQuestion(null)
    setError(null)
  }
  return { question, isBusy, error, ask: (text) => void ask(text), forget }
}
