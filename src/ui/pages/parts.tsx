// Every part in every state on one page: to look at, to photograph, to build from.

import { useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { fromReadings } from '../charts/trend-data.ts'
import { SPANS } from '../charts/trend-range.ts'
import { SEVERITIES, type Reading } from '../client/wire.ts'
import { formatNumber } from '../format/number.ts'
import { Page } from '../layout/shell.tsx'
import { Button, IconButton, Segments } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, ErrorText, Field } from '../parts/field.tsx'
import { Badge, ConditionMark, QualityMark, SeverityMark } from '../parts/marks.tsx'
import { StillSparkline } from '../parts/sparkline.tsx'
import { Cell, Facts, HeadCell, Table } from '../parts/table.tsx'
import { TrendChart } from '../parts/trend-chart.tsx'
import { Value } from '../parts/value.tsx'
import { CONDITIONS } from '../state/condition.ts'
import { useServices } from '../state/services.ts'

const LIMITS = { lowLow: null, low: 40, high: 60, highHigh: 66 }
const START = Date.UTC(2026, 0, 5, 8)
const STEP_MS = 5000
const POINTS = 180

/** A wave that passes its limit once and has a gap. */
function wave(index: number): number {
  if (index > 60 && index < 72) return Number.NaN
  return 50 + 7 * Math.sin(index / 14) + 1.5 * Math.sin(index / 2.3) + (index > 110 && index < 124 ? 7 : 0)
}

const SOURCE = { length: POINTS, timeAt: (index: number) => START + index * STEP_MS, valueAt: wave }
const BOX = { from: START, to: START + POINTS * STEP_MS, width: 120, height: 28 }
const READINGS: readonly Reading[] = Array.from({ length: POINTS }, (_, index) => {
  const value = wave(index)
  const isGood = Number.isFinite(value)
  return {
    time: START + index * STEP_MS,
    value: isGood ? value : null,
    quality: isGood ? 'good' : 'bad',
    status: isGood ? 'Good' : 'BadTimeout',
  }
})
const DATA = fromReadings(READINGS, 'number')
const MARKERS = [
  { severity: 'high' as const, isAnomaly: false, from: START + 112 * STEP_MS, to: START + 124 * STEP_MS },
  { severity: 'low' as const, isAnomaly: true, from: START + 30 * STEP_MS, to: START + 31 * STEP_MS },
]

export function PartsPage(): JSX.Element {
  return (
    <Page
      title="Parts"
      lead={<p>What the pages are built from. Colour is for what is not normal, and never stands alone.</p>}
    >
      <div class="columns">
        <Marks />
        <Buttons />
        <Fields />
        <Numbers />
        <Notices />
        <Type />
      </div>
      <Charts />
      <Tables />
    </Page>
  )
}

function Row({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <div class="parts-row">{children}</div>
}

function Marks(): JSX.Element {
  return (
    <Card title="Marks">
      <Row>
        {SEVERITIES.map((severity) => (
          <SeverityMark key={severity} severity={severity} />
        ))}
      </Row>
      <Row>
        {SEVERITIES.map((severity) => (
          <SeverityMark key={severity} severity={severity} isHollow />
        ))}
      </Row>
      <Row>
        {CONDITIONS.map((condition) => (
          <ConditionMark key={condition} condition={condition} />
        ))}
      </Row>
      <Row>
        <QualityMark quality="good" status="Good" />
        <QualityMark quality="uncertain" status="UncertainLastUsableValue" />
        <QualityMark quality="bad" status="BadCommunicationError" />
      </Row>
      <Row>
        <Badge tone="normal" icon="check">
          Up
        </Badge>
        <Badge tone="quiet" icon="waiting">
          Connecting
        </Badge>
        <Badge tone="data" icon="plugOff">
          Down
        </Badge>
      </Row>
    </Card>
  )
}

function Buttons(): JSX.Element {
  const [span, setSpan] = useState<string>('1h')
  const [isOpen, setOpen] = useState(false)
  return (
    <Card title="Buttons">
      <Row>
        <Button kind="primary">Primary</Button>
        <Button>Plain</Button>
        <Button kind="quiet">Quiet</Button>
        <Button disabled>Disabled</Button>
        <Button icon="restart">With icon</Button>
        <IconButton icon="zoomIn" label="Zoom in" onClick={() => undefined} />
      </Row>
      <Row>
        <Segments
          label="Example range"
          options={SPANS.map(({ label }) => ({ key: label, text: label }))}
          selected={span}
          onSelect={setSpan}
        />
      </Row>
      <Row>
        <Button onClick={() => setOpen(true)}>Open dialog</Button>
      </Row>
      {isOpen && (
        <Dialog
          title="Restart press-1?"
          action="Restart"
          onAction={() => setOpen(false)}
          onClose={() => setOpen(false)}
        >
          <p>The question in one sentence, and what will happen.</p>
        </Dialog>
      )}
    </Card>
  )
}

function Fields(): JSX.Element {
  const [text, setText] = useState('')
  const [choice, setChoice] = useState<'15m' | '1h'>('1h')
  return (
    <Card title="Fields">
      <Field label="Comment (optional)" value={text} onInput={setText} hint="Kept with the alarm." />
      <Choice
        label="For"
        value={choice}
        options={[
          { key: '15m', text: '15 minutes' },
          { key: '1h', text: '1 hour' },
        ]}
        onChoose={setChoice}
      />
      <ErrorText text="Write a number, for example 12.5" />
    </Card>
  )
}

function Numbers(): JSX.Element {
  return (
    <Card title="Values">
      <ul class="sensors">
        {[92.4, 104.25, -3.5, 1_284_000].map((value) => (
          <li key={value} class="sensor-row">
            <span class="sensor-name">Example {formatNumber(value, 0)}</span>
            <StillSparkline source={SOURCE} limits={LIMITS} box={BOX} />
            <Value value={value} type="number" decimals={value > 1000 ? 0 : 2} unit="degC" />
            <span class="sensor-mark" />
          </li>
        ))}
        <li class="sensor-row is-alarm-high">
          <span class="sensor-name">Over its limit</span>
          <StillSparkline source={SOURCE} limits={LIMITS} box={BOX} />
          <Value value={63.1} type="number" decimals={1} unit="bar" />
          <span class="sensor-mark">
            <ConditionMark condition="alarm-high" form="shape" />
          </span>
        </li>
        <li class="sensor-row">
          <span class="sensor-name">64 bits</span>
          <Value value="9223372036854775807" type="int64" decimals={0} unit="" />
          <span class="sensor-mark" />
        </li>
      </ul>
    </Card>
  )
}

function Notices(): JSX.Element {
  return (
    <Card title="Notices and empty states">
      <Notice icon="plugOff" tone="data">
        <strong>Not connected to the gateway.</strong> Everything below is as it was at 14:05:09.
      </Notice>
      <Notice icon="clock">Something to know, without hurry.</Notice>
      <EmptyState title="No open alarms" icon="check">
        <p>Every limit is kept.</p>
      </EmptyState>
    </Card>
  )
}

function Type(): JSX.Element {
  return (
    <Card title="Type">
      <p class="type-6">92.4 °C</p>
      <p class="type-5">Press 1 needs attention</p>
      <p class="type-4">Title of a card</p>
      <p class="type-3">Text of a page</p>
      <p class="type-2">Tables and rows</p>
      <p class="type-1">Labels and ids</p>
    </Card>
  )
}

function Charts(): JSX.Element {
  const { theme } = useServices()
  return (
    <Card title="Trend">
      <TrendChart
        data={DATA}
        range={{ from: BOX.from, to: BOX.to }}
        limits={LIMITS}
        markers={MARKERS}
        isStepped={false}
        isDark={theme.isDark.value}
        format={(value) => formatNumber(value, 1)}
        onView={() => undefined}
        now={() => BOX.to}
        description="Example trend with a gap, an alarm and an anomaly"
      />
    </Card>
  )
}

function Tables(): JSX.Element {
  return (
    <Card title="Table and facts">
      <Table
        caption="Example"
        columns={[
          { key: 'sensor', head: 'Sensor' },
          { key: 'value', head: 'Value', align: 'end' },
          { key: 'state', head: 'State' },
        ]}
      >
        {[51.2, 7.25, 1013].map((value) => (
          <tr key={value}>
            <HeadCell>Sensor {formatNumber(value, 0)}</HeadCell>
            <Cell head="Value" align="end">
              <Value value={value} type="number" decimals={value > 1000 ? 0 : 2} unit="bar" />
            </Cell>
            <Cell head="State">
              <ConditionMark condition="normal" />
            </Cell>
          </tr>
        ))}
      </Table>
      <Facts
        facts={[
          { term: 'Polls', value: '12 403' },
          { term: 'Errors', value: 'none' },
        ]}
      />
    </Card>
  )
}
