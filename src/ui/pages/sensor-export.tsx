// The shown range as a file: every reading, or one line for each bucket as the trend draws it.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { coarseSeconds } from '../charts/trend-range.ts'
import { exportName, exportReadings, type ExportFormat } from '../client/exports.ts'
import type { Range } from '../client/sensor-history.ts'
import { errorMessage, type HttpClient } from '../client/http.ts'
import type { Sensor } from '../client/wire.ts'
import { formatBytes } from '../format/number.ts'
import { formatDuration, formatFull } from '../format/time.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice } from '../parts/field.tsx'
import { saveBlob } from '../parts/save-file.ts'

const FORMATS = [
  { key: 'csv', text: 'CSV' },
  { key: 'jsonl', text: 'JSON, an object a line' },
  { key: 'parquet', text: 'Parquet' },
] as const

interface ExportDialogProps {
  readonly http: HttpClient
  /** false at central, which makes text only. */
  readonly hasParquet: boolean
  readonly sensor: Sensor
  readonly range: Range
  readonly onClose: () => void
}

export function ExportDialog({ http, hasParquet, sensor, range: shown, onClose }: ExportDialogProps): JSX.Element {
  const [range] = useState(shown) // a live trend moves on behind the dialog
  const [what, setWhat] = useState<'readings' | 'buckets'>('readings')
  const [format, setFormat] = useState<ExportFormat>('csv')
  /** Bytes; null: nothing is under way. */
  const [received, setReceived] = useState<number | null>(null)
  const [error, setError] = useState<string | null>(null)
  const abort = useRef(new AbortController())
  useEffect(() => () => abort.current.abort(), [])
  const bucketSeconds = coarseSeconds(range)
  const save = async (): Promise<void> => {
    setError(null)
    setReceived(0)
    const { signal } = abort.current
    const wish = { sensor: sensor.id, range, everySeconds: what === 'buckets' ? bucketSeconds : null, format }
    try {
      const { content } = await exportReadings(http, wish, signal, setReceived)
      saveBlob(exportName(wish), content)
      onClose()
    } catch (cause) {
      if (signal.aborted) return
      setError(errorMessage(cause))
      setReceived(null)
    }
  }
  return (
    <Dialog
      title="Export this range"
      action="Save file"
      onAction={() => void save()}
      onClose={onClose}
      isBusy={received !== null}
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
            { key: 'buckets', text: `One line for each ${formatDuration(bucketSeconds * 1000)}` },
          ]}
          onChoose={setWhat}
        />
      )}
      <Choice
        label="Format"
        value={format}
        options={FORMATS.filter(({ key }) => hasParquet || key !== 'parquet')}
        onChoose={setFormat}
      />
      <p class="quiet" role="status">
        {received === null ? 'Times are in UTC.' : `${formatBytes(received)} received…`}
      </p>
    </Dialog>
  )
}
