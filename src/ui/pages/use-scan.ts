// A scan while it runs: what it says, what it has found so far, and giving it up.

import { useEffect, useRef, useState } from 'preact/hooks'
import { errorMessage } from '../client/http.ts'
import { scan, type FoundPort, type HeardAtRate, type ScanKind, type SuggestedDevice } from '../client/scan.ts'
import { useServices } from '../state/services.ts'

export interface ScanState {
  readonly state: 'idle' | 'running' | 'done' | 'failed'
  readonly progress: string
  readonly devices: readonly SuggestedDevice[]
  readonly ports: readonly FoundPort[]
  readonly heard: readonly HeardAtRate[]
  readonly notes: readonly string[]
  readonly isCut: boolean
  readonly error: string | null
  /** Unix milliseconds of the gateway. */
  readonly since: number
}

export interface ScanDesk extends ScanState {
  readonly start: (kind: ScanKind, body: object) => void
  readonly stop: () => void
}

const IDLE: ScanState = {
  state: 'idle',
  progress: '',
  devices: [],
  ports: [],
  heard: [],
  notes: [],
  isCut: false,
  error: null,
  since: 0,
}

export function useScan(): ScanDesk {
  const { api, plant } = useServices()
  const [state, setState] = useState<ScanState>(IDLE)
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])
  const run = async (kind: ScanKind, body: object, mine: AbortController): Promise<void> => {
    const change = (next: (before: ScanState) => Partial<ScanState>): void => {
      if (!mine.signal.aborted) setState((before) => ({ ...before, ...next(before) }))
    }
    try {
      await scan(api.http, { kind, body, signal: mine.signal }, (step) => {
        switch (step.type) {
          case 'progress':
            return change(() => ({ progress: step.text }))
          case 'device':
            return change(({ devices }) => ({ devices: [...devices, step.device] }))
          case 'port':
            return change(({ ports }) => ({ ports: [...ports, step.port] }))
          case 'heard':
            return change(({ heard }) => ({ heard: [...heard, step.heard] }))
          case 'end':
            return change(() => ({ state: 'done', notes: step.notes, isCut: step.isCut }))
        }
      })
    } catch (cause) {
      change(() => ({ state: 'failed', error: errorMessage(cause) }))
    }
  }
  return {
    ...state,
    start: (kind, body) => {
      abort.current?.abort()
      const mine = new AbortController()
      abort.current = mine
      setState({ ...IDLE, state: 'running', since: plant.now.peek() })
      void run(kind, body, mine)
    },
    stop: () => {
      abort.current?.abort()
      setState((before) => ({ ...before, state: before.devices.length > 0 ? 'done' : 'idle', isCut: true }))
    },
  }
}
