// What a sensor says now: its value with its condition, quality and times.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { formatExact } from '../format/number.ts'
import { formatAge, formatExactTime } from '../format/time.ts'
import { displayUnit } from '../format/words.ts'
import { ConditionMark, QualityMark } from '../parts/marks.tsx'
import { Facts, type Fact } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'

export function BigValue({ live }: { readonly live: LiveSensor }): JSX.Element {
  const className = useComputed(() => `big-value is-${live.condition.value}`)
  return (
    <div class={className}>
      <LiveValue live={live} />
      <BigCondition live={live} />
    </div>
  )
}

function BigCondition({ live }: { readonly live: LiveSensor }): JSX.Element {
  return <ConditionMark condition={live.condition.value} />
}

interface ReadingFactsProps {
  readonly live: LiveSensor
  /** Where it comes from. */
  readonly origin: readonly Fact[]
}

export function ReadingFacts({ live, origin }: ReadingFactsProps): JSX.Element {
  const { now } = useFrame()
  const latest = live.latest.value
  const exact = formatExact(latest.value, live.sensor.type)
  const age = useComputed(() => {
    const { receivedAt } = live.latest.value
    return receivedAt === null ? 'nothing received yet' : formatAge(now.value - receivedAt)
  })
  return (
    <Facts
      facts={[
        { term: 'Quality', value: <QualityMark quality={latest.quality} status={latest.status} /> },
        { term: 'Exact value', value: `${exact} ${displayUnit(live.sensor.unit)}` },
        { term: 'Measured', value: latest.time === null ? '–' : formatExactTime(latest.time) },
        { term: 'Received', value: <>{age}</> },
        ...origin,
      ]}
    />
  )
}
