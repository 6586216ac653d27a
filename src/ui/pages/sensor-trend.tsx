// A sensor's trend with its controls, the statistics of what is seen, and what limits and detectors found in it.

import type { ComponentChildren, JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { describeTrend } from '../charts/trend-data.ts'
import { markerOf } from '../charts/trend-overlay.ts'
import type { View } from '../charts/trend-range.ts'
import type { Range } from '../client/sensor-history.ts'
import type { Alarm, Limits, Stats } from '../client/wire.ts'
import { formatCount, formatNumber } from '../format/number.ts'
import { formatDuration, formatMoment } from '../format/time.ts'
import { LEVEL_WORDS, displayUnit, unparted } from '../format/words.ts'
import { Card, Notice } from '../parts/card.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, Facts, HeadCell, Table, type Column } from '../parts/table.tsx'
import { TrendChart } from '../parts/trend-chart.tsx'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { RangeControls, rangeWords } from './sensor-range.tsx'
import { useTrend } from './use-trend.ts'

interface SensorTrendProps {
  readonly live: LiveSensor
  readonly view: View
  readonly onView: (view: View) => void
  /** Limits that are drawn, where others than the sensor's own are known. Pure. */
  readonly limitsOf?: (occurrences: readonly Alarm[]) => Limits
  /** Below the chart, for the range that is shown. */
  readonly foot: (range: Range) => ComponentChildren
}

export function SensorTrend({ live, view, onView, limitsOf, foot }: SensorTrendProps): JSX.Element {
  const { now, theme } = useFrame()
  const trend = useTrend(live, view)
  const { sensor } = live
  const decimals = live.decimals.value
  const unit = displayUnit(sensor.unit)
  const format = (value: number): string =>
    sensor.type === 'boolean' ? booleanWord(value) : formatNumber(value, decimals)
  const markers = useMemo(() => trend.occurrences.map((alarm) => markerOf(alarm, now.peek())), [trend.occurrences])
  const limits = useMemo(() => limitsOf?.(trend.occurrences) ?? sensor.limits, [trend.occurrences])
  const description = `Trend. ${describeTrend(trend.data, (value) => `${format(value)} ${unit}`)}`
  return (
    <>
      <Card
        title={unit === '' ? 'Trend' : `Trend in ${unit}`}
        aside={<RangeControls range={trend.range} view={view} onView={onView} />}
      >
        {trend.error !== null && (
          <Notice icon="bad" tone="data">
            <strong>The history could not be loaded.</strong> {trend.error} It is asked for again by itself.
          </Notice>
        )}
        <TrendChart
          data={trend.data}
          range={trend.range}
          limits={limits}
          markers={markers}
          isStepped={sensor.type === 'boolean'}
          isDark={theme.isDark.value}
          format={format}
          onView={onView}
          now={() => now.peek()}
          description={description}
        />
        <p class="chart-foot">
          <span>{rangeWords(trend.range, view)}</span>
          <span class="quiet">
            {trend.isLoading
              ? 'Loading…'
              : trend.data.line.length === 0
                ? 'No readings in this range'
                : 'Drag across the chart to zoom'}
          </span>
        </p>
        {foot(trend.range)}
      </Card>
      <div class="columns columns-pair">
        <Statistics stats={trend.stats} decimals={decimals} unit={unit} isBoolean={sensor.type === 'boolean'} />
        <Occurrences occurrences={trend.occurrences} now={now.value} />
      </div>
    </>
  )
}

interface StatisticsProps {
  readonly stats: Stats | null
  readonly decimals: number
  readonly unit: string
  readonly isBoolean: boolean
}

export function Statistics({ stats, decimals, unit, isBoolean }: StatisticsProps): JSX.Element {
  const write = (value: number | null, more = 0): string =>
    value === null ? '–' : `${formatNumber(value, decimals + more)} ${unit}`
  const facts =
    stats === null
      ? []
      : isBoolean
        ? [
            { term: 'Readings', value: formatCount(stats.count) },
            {
              term: 'Share of readings that were on',
              value: stats.mean === null ? '–' : `${formatNumber(stats.mean * 100, 1)} %`,
            },
          ]
        : [
            { term: 'Readings', value: formatCount(stats.count) },
            { term: 'Lowest', value: write(stats.min) },
            { term: 'Highest', value: write(stats.max) },
            { term: 'Mean', value: write(stats.mean) },
            { term: 'Standard deviation', value: write(stats.standardDeviation, 1) },
          ]
  return (
    <Card title="Statistics of this range">
      {stats === null ? <p class="quiet">Not loaded yet.</p> : <Facts facts={facts} />}
    </Card>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'priority', head: 'Priority' },
  { key: 'what', head: 'What' },
  { key: 'raised', head: 'Raised', align: 'end', isNarrow: true },
  { key: 'lasted', head: 'Lasted', align: 'end', isNarrow: true },
]

function Occurrences({
  occurrences,
  now,
}: {
  readonly occurrences: readonly Alarm[]
  readonly now: number
}): JSX.Element {
  return (
    <Card title="Alarms and anomalies in this range">
      {occurrences.length === 0 ? (
        <p class="quiet">None.</p>
      ) : (
        <Table caption="Alarms and anomalies" columns={COLUMNS}>
          {occurrences.map((alarm) => (
            <tr key={alarm.id}>
              <HeadCell>
                <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
              </HeadCell>
              <Cell head="What" isWide>
                {unparted(alarm.message)}
                <span class="second-line">{LEVEL_WORDS[alarm.level]}</span>
              </Cell>
              <Cell head="Raised" align="end">
                {formatMoment(alarm.raisedAt, now)}
              </Cell>
              <Cell head="Lasted" align="end">
                {alarm.clearedAt === null ? 'active' : formatDuration(alarm.clearedAt - alarm.raisedAt)}
              </Cell>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function booleanWord(value: number): string {
  return value === 0 ? 'Off' : value === 1 ? 'On' : ''
}
