// The configuration while it is edited: what is in force, the draft, its problems, its plan, and applying it.

import { useEffect, useState } from 'preact/hooks'
import {
  apply,
  check,
  plan,
  readPresent,
  readSchema,
  type Plan,
  type Present,
  type TextProblem,
} from '../client/configuration.ts'
import { ApiError, errorMessage } from '../client/http.ts'
import type { Schema } from '../editor/schema-place.ts'
import { useServices } from '../state/services.ts'
import type { Watched } from './configuration-watch.tsx'

export interface ConfigurationDesk {
  readonly present: Present | null
  readonly schema: Schema | null
  /** Why it could not be loaded. */
  readonly failure: string | null
  readonly problems: readonly TextProblem[] | null
  /** Of the text as it was when it was asked for. */
  readonly planned: { readonly text: string; readonly plan: Plan } | null
  readonly isBusy: boolean
  readonly error: string | null
  /** Somebody applied another one meanwhile. */
  readonly isStale: boolean
  readonly watched: Watched | null
  /** Resolves with what is in force now. */
  readonly load: () => Promise<Present | null>
  readonly check: (text: string) => Promise<readonly TextProblem[]>
  readonly makePlan: (text: string) => Promise<void>
  readonly forgetPlan: () => void
  /** True when it was applied. */
  readonly applyText: (text: string, comment: string) => Promise<boolean>
}

export function useConfiguration(): ConfigurationDesk {
  const { api, drafts, plant } = useServices()
  const [present, setPresent] = useState<Present | null>(null)
  const [schema, setSchema] = useState<Schema | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const [problems, setProblems] = useState<readonly TextProblem[] | null>(null)
  const [planned, setPlanned] = useState<ConfigurationDesk['planned']>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const [isStale, setStale] = useState(false)
  const [watched, setWatched] = useState<Watched | null>(null)

  const load = async (): Promise<Present | null> => {
    try {
      const loaded = await readPresent(api.http)
      setPresent(loaded)
      setFailure(null)
      const draft = drafts.configuration.peek()
      setStale(draft !== null && draft.base.etag !== loaded.etag)
      if (loaded.watchedUntil !== null) setWatched({ revision: loaded.revision.number, until: loaded.watchedUntil })
      return loaded
    } catch (cause) {
      setFailure(errorMessage(cause))
      return null
    }
  }
  useEffect(() => {
    if (!plant.may('engineer')) return
    void load()
    // Without it there is no completion; everything else works.
    readSchema(api.http).then(
      (loaded) => setSchema(asSchema(loaded)),
      () => undefined,
    )
  }, [])

  const run = async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true)
    setError(null)
    let isDone = true
    try {
      await work()
    } catch (cause) {
      isDone = false
      if (cause instanceof ApiError && cause.code === 'STALE') await load()
      else setError([errorMessage(cause), ...placesOf(cause)].join('\n'))
    }
    setBusy(false)
    return isDone
  }

  return {
    present,
    schema,
    failure,
    problems,
    planned,
    isBusy,
    error,
    isStale,
    watched,
    load,
    check: async (text) => {
      try {
        const found = await check(api.http, text)
        setProblems(found)
        return found
      } catch {
        setProblems(null) // the plan asks again and says what is wrong
        return []
      }
    },
    makePlan: async (text) => {
      setPlanned(null)
      await run(async () => {
        const found = await check(api.http, text)
        setProblems(found)
        if (found.length === 0) setPlanned({ text, plan: await plan(api.http, text) })
      })
    },
    forgetPlan: () => {
      setPlanned(null)
      setError(null)
    },
    applyText: (text, comment) =>
      run(async () => {
        const base = drafts.configuration.peek()?.base.etag ?? present!.etag
        const applied = await apply(api.http, text, comment, base)
        setPlanned(null)
        setWatched({ revision: applied.revision, until: applied.watchedUntil })
        drafts.configuration.value = null
        await load()
      }),
  }
}

function asSchema(source: unknown): Schema | null {
  return typeof source === 'object' && source !== null ? (source as Schema) : null
}

function placesOf(cause: unknown): string[] {
  return cause instanceof ApiError ? cause.errors.map(({ path, message }) => `${path}: ${message}`) : []
}
