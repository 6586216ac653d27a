// A text sensor has no trend: its newest readings in a table.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage, isAborted } from '../client/http.ts'
import type { Reading } from '../client/wire.ts'
import { formatMoment } from '../format/time.ts'
import { Card, Notice } from '../parts/card.tsx'
import { QualityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'

const SHOWN = 50
const SPAN_MS = 86_400_000
const RELOAD_MS = 10_000

const COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time' },
  { key: 'text', head: 'Text' },
  { key: 'quality', head: 'Quality' },
]

export function SensorTexts({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { now, stored } = useFrame()
  const [readings, setReadings] = useState<readonly Reading[]>([])
  const [error, setError] = useState<string | null>(null)
  const turn = Math.floor(now.value / RELOAD_MS)
  useEffect(() => {
    const abort = new AbortController()
    const to = now.peek()
    stored.newestReadings(live.sensor.id, { from: to - SPAN_MS, to }, SHOWN, abort.signal).then(
      (items) => {
        setReadings(items)
        setError(null)
      },
      (cause: unknown) => {
        if (!isAborted(cause)) setError(errorMessage(cause))
      },
    )
    return () => abort.abort()
  }, [live, turn])
  return (
    <Card title="Newest readings">
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>The history could not be loaded.</strong> {error}
        </Notice>
      )}
      {readings.length === 0 ? (
        <p class="quiet">No readings in the last day.</p>
      ) : (
        <Table caption="Newest readings" columns={COLUMNS}>
          {readings.map((reading) => (
            <tr key={reading.time}>
              <HeadCell>{formatMoment(reading.time, now.value)}</HeadCell>
              <Cell head="Text">{reading.value ?? '–'}</Cell>
              <Cell head="Quality">
                <QualityMark quality={reading.quality} status={reading.status} />
              </Cell>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}
