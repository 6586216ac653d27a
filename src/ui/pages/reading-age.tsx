// How long ago a sensor's latest reading was received.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { formatDuration } from '../format/time.ts'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'

export function ReadingAge({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { now } = useFrame()
  const text = useComputed(() => {
    const { receivedAt } = live.latest.value
    return receivedAt === null ? '' : formatDuration(now.value - receivedAt)
  })
  return <span class="age">{text}</span>
}
