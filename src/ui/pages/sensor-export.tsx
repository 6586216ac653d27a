// The shown range as a file: every reading, or one line for each bucket as the trend draws it.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { exportName, exportText, type Exported, type ExportFormat } from '../charts/export-text.ts'
import { coarseSeconds } from '../charts/trend-range.ts'
import { decodePage, decodeReading } from '../client/decode.ts'
import type { GatewayApi, Range } from '../client/gateway-api.ts'
import { errorMessage } from '../client/http.ts'
import type { Reading, Sensor } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatDuration, formatFull } from '../format/time.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice } from '../parts/field.tsx'
import { useServices } from '../state/services.ts'

/** A browser holds the file in memory: some 100 MB. */
const MAX_READINGS = 1_000_000

interface ExportDialogProps {
  readonly sensor: Sensor
  readonly range: Range
  readonly onClose: () => void
}

export function ExportDialog({ sensor, range: shown, onClose }: ExportDialogProps): JSX.Element {
  const [range] = useState(shown) // a live trend moves on behind the dialog
  const { api } = useServices()
  const [what, setWhat] = useState<'readings' | 'buckets'>('readings')
  const [format, setFormat] = useState<ExportFormat>('csv')
  const [loaded, setLoaded] = useState<number | null>(null)
  const [error, setError] = useState<string | null>(null)
  const abort = useRef(new AbortController())
  useEffect(() => () => abort.current.abort(), [])
  const everySeconds = coarseSeconds(range)
  const save = async (): Promise<void> => {
    setError(null)
    setLoaded(0)
    const { signal } = abort.current
    try {
      const exported: Exported =
        what === 'readings'
          ? { kind: what, items: await allReadings(api, { sensor: sensor.id, range, signal, onLoaded: setLoaded }) }
          : { kind: what, items: await api.buckets(sensor.id, range, everySeconds, signal), everySeconds }
      download(exportName(sensor, range, format), exportText(sensor, range, exported, format), format)
      onClose()
    } catch (cause) {
      if (signal.aborted) return
      setError(errorMessage(cause))
      setLoaded(null)
    }
  }
  return (
    <Dialog
      title="Export this range"
      action="Save file"
      onAction={() => void save()}
      onClose={onClose}
      isBusy={loaded !== null}
      error={error}
    >
      <p>
        {sensor.id}
        <br />
        {formatFull(range.from)} – {formatFull(range.to)}
      </p>
      {sensor.type !== 'string' && (
        <Choice
          label="What"
          value={what}
          options={[
            { key: 'readings', text: 'Every reading' },
            { key: 'buckets', text: `One line for each ${formatDuration(everySeconds * 1000)}` },
          ]}
          onChoose={setWhat}
        />
      )}
      <Choice
        label="Format"
        value={format}
        options={[
          { key: 'csv', text: 'CSV' },
          { key: 'json', text: 'JSON' },
        ]}
        onChoose={setFormat}
      />
      <p class="quiet" role="status">
        {loaded === null ? 'Times are in UTC.' : `${formatCount(loaded)} readings loaded…`}
      </p>
    </Dialog>
  )
}

interface AllReadings {
  readonly sensor: string
  readonly range: Range
  readonly signal: AbortSignal
  readonly onLoaded: (count: number) => void
}

async function allReadings(
  api: GatewayApi,
  { sensor, range, signal, onLoaded }: AllReadings,
): Promise<readonly Reading[]> {
  const items: Reading[] = []
  const path = `/sensors/${encodeURIComponent(sensor)}/readings?from=${Math.round(range.from)}&to=${Math.round(range.to)}&limit=10000`
  for (let cursor: string | null = null; ;) {
    const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = decodePage(decodeReading)(await api.http.request(path + more, { signal }))
    for (const item of page.items) items.push(item)
    onLoaded(items.length)
    cursor = page.next
    if (cursor === null) return items
    if (items.length >= MAX_READINGS)
      throw new Error(
        `There are more than ${formatCount(MAX_READINGS)} readings in this range: choose a shorter one, or use "telemetryx export".`,
      )
  }
}

function download(name: string, text: string, format: ExportFormat): void {
  const type = format === 'csv' ? 'text/csv;charset=utf-8' : 'application/json'
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000) // the browser reads it after the click
}
