// Which part of the time is shown: usual spans, a range of one's own, steps and zoom, and the way back to live.

import { useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { moved, queryOfView, SPANS, viewOfQuery, zoomed, type View } from '../charts/trend-range.ts'
import type { Range } from '../client/sensor-history.ts'
import { formatDuration, formatFull, fromLocalInput, toLocalInput } from '../format/time.ts'
import { Button, IconButton, Segments } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { useFrame } from '../state/frame.ts'

/** The view stands in the address bar: a link shows the same range to somebody else. */
export function useView(): readonly [View, (view: View) => void] {
  const { router } = useFrame()
  const query = router.query.value
  const kept = useRef({ query: '', view: viewOfQuery('') })
  if (kept.current.query !== query) kept.current = { query, view: viewOfQuery(query) }
  return [kept.current.view, (view) => router.setQuery(queryOfView(view))]
}

interface RangeControlsProps {
  readonly range: Range
  readonly view: View
  readonly onView: (view: View) => void
}

export function RangeControls({ range, view, onView }: RangeControlsProps): JSX.Element {
  const frame = useFrame()
  const [isChoosing, setChoosing] = useState(false)
  const lastSpan = useRef<number>(SPANS[0].spanMs)
  if (view.kind === 'following') lastSpan.current = view.spanMs
  const selected =
    view.kind === 'following' ? (SPANS.find(({ spanMs }) => spanMs === view.spanMs)?.label ?? null) : null
  const now = frame.now.value
  return (
    <div class="trend-controls">
      <Segments
        label="Time range"
        options={SPANS.map(({ label, words }) => ({ key: label, text: label, words }))}
        selected={selected}
        onSelect={(label) => onView({ kind: 'following', spanMs: SPANS.find((span) => span.label === label)!.spanMs })}
      />
      <div class="button-row" role="group" aria-label="Move through time">
        <IconButton icon="calendar" label="Choose from and to" onClick={() => setChoosing(true)} />
        <IconButton icon="left" label="Earlier" onClick={() => onView(moved(range, -0.5, now))} />
        <IconButton
          icon="right"
          label="Later"
          onClick={() => onView(moved(range, 0.5, now))}
          disabled={view.kind === 'following'}
        />
        <IconButton icon="zoomIn" label="Zoom in" onClick={() => onView(zoomed(range, 0.5, now))} />
        <IconButton icon="zoomOut" label="Zoom out" onClick={() => onView(zoomed(range, 2, now))} />
        <Button
          icon="follow"
          onClick={() => onView({ kind: 'following', spanMs: lastSpan.current })}
          disabled={view.kind === 'following'}
        >
          {view.kind === 'following' ? 'Live' : 'Back to live'}
        </Button>
      </div>
      {isChoosing && <RangeDialog range={range} onView={onView} onClose={() => setChoosing(false)} />}
    </div>
  )
}

interface RangeDialogProps {
  readonly range: Range
  readonly onView: (view: View) => void
  readonly onClose: () => void
}

function RangeDialog({ range, onView, onClose }: RangeDialogProps): JSX.Element {
  const [from, setFrom] = useState(() => toLocalInput(range.from))
  const [to, setTo] = useState(() => toLocalInput(range.to))
  const [error, setError] = useState<string | null>(null)
  const show = (): void => {
    const begin = fromLocalInput(from)
    const end = fromLocalInput(to)
    if (begin === null || end === null) setError('Give both times, with date.')
    else if (begin >= end) setError('The end must be later than the beginning.')
    else {
      onView({ kind: 'fixed', from: begin, to: end })
      onClose()
    }
  }
  return (
    <Dialog title="Show a range" action="Show" onAction={show} onClose={onClose} error={error}>
      <Field label="From" type="datetime-local" value={from} onInput={setFrom} />
      <Field
        label="To"
        type="datetime-local"
        value={to}
        onInput={setTo}
        hint={`In the time zone of this device, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`}
      />
    </Dialog>
  )
}

export function rangeWords(range: Range, view: View): string {
  if (view.kind === 'following') return `The last ${formatDuration(view.spanMs)}, live`
  return `${formatFull(range.from)} – ${formatFull(range.to)}`
}
