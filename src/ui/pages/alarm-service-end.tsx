// When a check that is taken out of service returns by itself: after a while, at a time, or not.

import type { JSX } from 'preact'
import { fromLocalInput } from '../format/time.ts'
import { Choice, Field } from '../parts/field.tsx'

const OPTIONS = [
  { key: '1h', text: '1 hour' },
  { key: '8h', text: '8 hours' },
  { key: '24h', text: '1 day' },
  { key: '7d', text: '7 days' },
  { key: 'time', text: 'Until a time' },
  { key: 'returned', text: 'Until it is returned' },
] as const

export interface ServiceUntil {
  readonly key: (typeof OPTIONS)[number]['key']
  /** Of an input of the type datetime-local. */
  readonly time: string
}

interface ServiceEndProps {
  readonly until: ServiceUntil
  readonly onUntil: (until: ServiceUntil) => void
}

export function ServiceEnd({ until, onUntil }: ServiceEndProps): JSX.Element {
  return (
    <>
      <Choice label="For" value={until.key} options={OPTIONS} onChoose={(key) => onUntil({ ...until, key })} />
      {until.key === 'time' && (
        <Field
          label="It returns at"
          type="datetime-local"
          value={until.time}
          onInput={(time) => onUntil({ ...until, time })}
        />
      )}
    </>
  )
}

/** As the API wants it; null: until it is returned; undefined: the time is missing or past. */
export function serviceDuration({ key, time }: ServiceUntil, now: number): string | null | undefined {
  if (key === 'returned') return null
  if (key !== 'time') return key
  const seconds = Math.round(((fromLocalInput(time) ?? 0) - now) / 1000)
  return seconds >= 1 ? `${seconds}s` : undefined
}
