// Latest values and open alarms of some sensors, asked for every few seconds.

import { useEffect, useRef } from 'preact/hooks'
import type { Alarm, Latest } from '../client/wire.ts'
import { useFrame } from '../state/frame.ts'
import { LiveSensors } from './live-sensors.ts'
import { readAlarms } from './model-api.ts'
import { useCentral } from './services.ts'
import { usePoll } from './use-poll.ts'

const EVERY_MS = 5000
const MOST_GATEWAYS = 1000

interface Asked {
  readonly key: string
  /** null: what is shown is not known yet, and nothing is asked. */
  readonly gateways: readonly string[] | null
  readonly readLatest: () => Promise<readonly Latest[]>
  readonly isShown: (alarm: Alarm) => boolean
}

/** `error`: why the last asking failed; null: it did not. */
export function useLiveSensors({ key, gateways, readLatest, isShown }: Asked): {
  readonly live: LiveSensors
  readonly error: string | null
} {
  const { api } = useCentral()
  const { now } = useFrame()
  const kept = useRef<LiveSensors | null>(null)
  const live = (kept.current ??= new LiveSensors(now))
  const read = async (): Promise<null> => {
    if (gateways === null) return null
    const [only] = gateways
    const [latest, alarms, fleet] = await Promise.all([
      readLatest(),
      readAlarms(api.http, { ...(gateways.length === 1 && { gateway: only! }) }),
      api.gateways(MOST_GATEWAYS),
    ])
    live.silent.value = new Set(fleet.items.filter(({ isOnline }) => !isOnline).map(({ id }) => id))
    live.alarms.value = alarms.items.filter(isShown)
    live.take(latest)
    return null
  }
  const { error } = usePoll(read, `${key} ${gateways === null ? '' : gateways.join()}`, EVERY_MS)
  useEffect(() => {
    live.isAnswering.value = error === null
  }, [error])
  return { live, error }
}
