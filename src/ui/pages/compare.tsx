// Several sensors over the same time, in one chart or each in its own. Which ones and which range stand in the address: to be shared.

import { useMemo, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { ComparedLine } from '../charts/compare-overlay.ts'
import { describeTrend } from '../charts/trend-data.ts'
import { markerOf } from '../charts/trend-overlay.ts'
import { valueAt } from '../charts/compare-data.ts'
import type { View } from '../charts/trend-range.ts'
import { formatNumber } from '../format/number.ts'
import { formatMoment } from '../format/time.ts'
import { displayUnit, sensorName } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, IconButton, Link, Segments } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { CompareChart } from '../parts/compare-chart.tsx'
import { Select } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { TrendChart } from '../parts/trend-chart.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import type { Plant } from '../state/plant.ts'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { ComparedFound } from './compare-found.tsx'
import { SeriesSample } from './compare-sample.tsx'
import { RangeControls, rangeWords, useView } from './sensor-range.tsx'
import { useCompared, type Compared } from './use-compared.ts'

const MOST_SENSORS = 6
const LETTERS = 'ABCDEF'

export function ComparePage(): JSX.Element {
  const { plant, router } = useServices()
  const [view, setView] = useView()
  const query = new URLSearchParams(router.query.value)
  const asked = (query.get('sensors') ?? '').split(',').filter((id) => id !== '')
  const isApart = query.get('as') === 'apart'
  const idsKey = asked.join()
  const sensors = useMemo(
    () =>
      asked
        .slice(0, MOST_SENSORS)
        .flatMap((id) => plant.sensor(id) ?? [])
        .filter(({ sensor }) => sensor.type !== 'string'),
    [idsKey, plant.sensors.value],
  )
  const compared = useCompared(sensors, view)
  const show = (ids: readonly string[]): void => router.setQuery({ sensors: ids.join() })
  const ids = sensors.map(({ sensor }) => sensor.id)
  return (
    <Page title="Compare sensors" trail={<Link to="/">Overview</Link>}>
      <AddSensor chosen={ids} onAdd={(id) => show([...ids, id])} />
      {sensors.length === 0 ? (
        <EmptyState title="No sensor is chosen" icon="overview">
          <p>Choose up to {MOST_SENSORS} sensors. The address of this page then shows the same to somebody else.</p>
        </EmptyState>
      ) : (
        <Card
          title="Trend"
          aside={
            <div class="trend-controls">
              <Segments
                label="Show"
                options={[
                  { key: 'together', text: 'Together' },
                  { key: 'apart', text: 'Apart' },
                ]}
                selected={isApart ? 'apart' : 'together'}
                onSelect={(key) => router.setQuery({ as: key === 'apart' ? key : null })}
              />
              <RangeControls range={compared.range} view={view} onView={setView} />
            </div>
          }
        >
          {compared.error !== null && (
            <Notice icon="bad" tone="data">
              <strong>The history could not be loaded.</strong> {compared.error}
            </Notice>
          )}
          <Charts
            sensors={sensors}
            compared={compared}
            isApart={isApart}
            view={view}
            onView={setView}
            onRemove={(id) => show(ids.filter((other) => other !== id))}
          />
        </Card>
      )}
    </Page>
  )
}

interface ChartsProps {
  readonly sensors: readonly LiveSensor[]
  readonly compared: Compared
  readonly isApart: boolean
  readonly view: View
  readonly onView: (view: View) => void
  readonly onRemove: (id: string) => void
}

function Charts({ sensors, compared, isApart, view, onView, onRemove }: ChartsProps): JSX.Element {
  const { plant, theme } = useServices()
  const [cursor, setCursor] = useState<number | null>(null)
  const lines = useMemo(
    () => sensors.map((live, index) => lineOf(live, index, compared, plant.now.peek())),
    [sensors, compared.data, compared.occurrences],
  )
  const common = {
    range: compared.range,
    isDark: theme.isDark.value,
    onView,
    now: () => plant.now.peek(),
  }
  return (
    <>
      {isApart ? (
        sensors.map((live, index) => (
          <section key={live.sensor.id} class="apart" aria-label={placeOf(plant, live)}>
            <h3>
              <SeriesSample index={index} letter={LETTERS[index]!} /> {placeOf(plant, live)}{' '}
              <span class="quiet">{displayUnit(live.sensor.unit)}</span>
            </h3>
            <TrendChart
              {...common}
              data={lines[index]!.data}
              limits={live.sensor.limits}
              markers={lines[index]!.markers}
              isStepped={live.sensor.type === 'boolean'}
              format={(value) => formatNumber(value, live.decimals.value)}
              sync="compare"
              description={`${placeOf(plant, live)}. ${describe(lines[index]!)}`}
            />
          </section>
        ))
      ) : (
        <CompareChart
          {...common}
          lines={lines}
          onCursor={setCursor}
          description={lines.map((line) => `${line.letter}, ${line.id}: ${describe(line)}`).join(' ')}
        />
      )}
      <p class="chart-foot">
        <span>{rangeWords(compared.range, view)}</span>
        <span class="quiet">{compared.isLoading ? 'Loading…' : 'Drag to zoom, Shift and drag to move'}</span>
      </p>
      <Figures
        sensors={sensors}
        lines={lines}
        compared={compared}
        cursor={isApart ? null : cursor}
        onRemove={onRemove}
      />
      <ComparedFound sensors={sensors} letters={LETTERS} compared={compared} />
    </>
  )
}

function lineOf({ sensor, decimals }: LiveSensor, index: number, compared: Compared, now: number): ComparedLine {
  return {
    id: sensor.id,
    letter: LETTERS[index]!,
    unit: sensor.type === 'boolean' ? '' : sensor.unit,
    decimals: decimals.peek(),
    isStepped: sensor.type === 'boolean',
    data: compared.data.get(sensor.id) ?? { times: [], low: [], high: [], line: [] },
    limits: sensor.limits,
    markers: (compared.occurrences.get(sensor.id) ?? []).map((alarm) => markerOf(alarm, now)),
  }
}

function describe({ data, decimals, unit }: ComparedLine): string {
  return describeTrend(data, (value) => `${formatNumber(value, decimals)} ${displayUnit(unit)}`)
}

function placeOf(plant: Plant, { sensor }: LiveSensor): string {
  return `${plant.machine(sensor.machine)?.machine.name ?? sensor.machine} · ${sensorName(sensor)}`
}

const COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'cursor', head: 'At the cursor', align: 'end' },
  { key: 'min', head: 'Lowest', align: 'end' },
  { key: 'mean', head: 'Mean', align: 'end' },
  { key: 'max', head: 'Highest', align: 'end' },
  { key: 'do', head: 'Remove', align: 'end', isNarrow: true },
]

interface FiguresProps {
  readonly sensors: readonly LiveSensor[]
  readonly lines: readonly ComparedLine[]
  readonly compared: Compared
  readonly cursor: number | null
  readonly onRemove: (id: string) => void
}

function Figures({ sensors, lines, compared, cursor, onRemove }: FiguresProps): JSX.Element {
  const { plant } = useServices()
  const heading = cursor === null ? 'At the end' : formatMoment(cursor * 1000, plant.now.peek())
  const columns = COLUMNS.map((column) => (column.key === 'cursor' ? { ...column, head: heading } : column))
  return (
    <Table caption="Statistics of the compared sensors" columns={columns}>
      {sensors.map((live, index) => {
        const { sensor } = live
        const stats = compared.stats.get(sensor.id)
        const line = lines[index]!
        const write = (value: number | null | undefined): string =>
          value === null || value === undefined
            ? '–'
            : `${formatNumber(value, line.decimals)} ${displayUnit(sensor.unit)}`
        return (
          <tr key={sensor.id}>
            <HeadCell>
              <SeriesSample index={index} letter={line.letter} />{' '}
              <Link to={sensorPath(sensor.id)}>{placeOf(plant, live)}</Link>
            </HeadCell>
            <Cell head={heading} align="end">
              {write(valueAt(line.data, cursor ?? Number.POSITIVE_INFINITY))}
            </Cell>
            <Cell head="Lowest" align="end">
              {write(stats?.min)}
            </Cell>
            <Cell head="Mean" align="end">
              {write(stats?.mean)}
            </Cell>
            <Cell head="Highest" align="end">
              {write(stats?.max)}
            </Cell>
            <Cell head="Remove" align="end">
              <IconButton icon="cross" label={`Remove ${placeOf(plant, live)}`} onClick={() => onRemove(sensor.id)} />
            </Cell>
          </tr>
        )
      })}
    </Table>
  )
}

interface AddSensorProps {
  readonly chosen: readonly string[]
  readonly onAdd: (id: string) => void
}

function AddSensor({ chosen, onAdd }: AddSensorProps): JSX.Element | null {
  const { plant } = useServices()
  const options = plant.machines.value
    .flatMap(({ sensors }) => sensors)
    .filter(({ sensor }) => sensor.type !== 'string' && !chosen.includes(sensor.id))
    .map((live) => ({ key: live.sensor.id, text: placeOf(plant, live) }))
  const [id, setId] = useState('')
  const selected = options.find(({ key }) => key === id)?.key ?? options[0]?.key
  if (selected === undefined) return null
  const isFull = chosen.length >= MOST_SENSORS
  return (
    <div class="add-row">
      <Select label="Sensor" value={selected} options={options} onChoose={setId} />
      <Button
        icon="add"
        onClick={() => onAdd(selected)}
        disabled={isFull}
        title={isFull ? `At most ${MOST_SENSORS}: more lines cannot be told apart` : undefined}
      >
        Add to the comparison
      </Button>
    </div>
  )
}
