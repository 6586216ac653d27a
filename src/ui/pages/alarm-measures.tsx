// How well the alarm system serves its operators, after ISA-18.2 and EEMUA 191: load, floods, chattering, the most frequent, standing.

import { useEffect, useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { errorMessage, isAborted } from '../client/http.ts'
import { priorityShares, readMeasures, type CheckCount, type Measures, type Rating } from '../client/measures.ts'
import type { Alarm } from '../client/wire.ts'
import { formatCount, formatNumber } from '../format/number.ts'
import { formatDuration, formatFull, formatMoment } from '../format/time.ts'
import { counted, nameFromId, sensorName, unparted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link, Segments } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { Badge, SeverityMark } from '../parts/marks.tsx'
import { Meter } from '../parts/meter.tsx'
import { Cell, Facts, HeadCell, Table, type Column } from '../parts/table.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { alarmPlace } from './alarm-place.ts'
import { AlarmTabs } from './alarm-tabs.tsx'

const HOUR = 3_600_000
const SPANS = [
  { key: '8h', text: '8h', words: '8 hours', ms: 8 * HOUR },
  { key: '24h', text: '24h', words: '24 hours', ms: 24 * HOUR },
  { key: '7d', text: '7d', words: '7 days', ms: 168 * HOUR },
  { key: '30d', text: '30d', words: '30 days', ms: 720 * HOUR },
] as const
const RELOAD_MS = 30_000

export function MeasuresPage(): JSX.Element {
  const { api, plant, router } = useServices()
  const span = SPANS.find(({ key }) => key === new URLSearchParams(router.query.value).get('span')) ?? SPANS[1]
  const [measures, setMeasures] = useState<Measures | null>(null)
  const [error, setError] = useState<string | null>(null)
  const turn = Math.floor(plant.now.value / RELOAD_MS)
  useEffect(() => {
    const abort = new AbortController()
    const to = plant.now.peek()
    readMeasures(api.http, to - span.ms, to, abort.signal).then(
      (loaded) => {
        setMeasures(loaded)
        setError(null)
      },
      (cause: unknown) => {
        if (!isAborted(cause)) setError(errorMessage(cause))
      },
    )
    return () => abort.abort()
  }, [span.key, turn])
  return (
    <Page title="Measures of the alarms" lead={<p>Whether the alarms help, or there are too many of them.</p>}>
      <AlarmTabs current="measures" />
      <div class="trend-controls page-controls">
        <Segments
          label="Period"
          options={SPANS}
          selected={span.key}
          onSelect={(key) => router.setQuery({ span: key === '24h' ? null : key })}
        />
      </div>
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>The measures could not be loaded.</strong> {error}
        </Notice>
      )}
      {measures === null ? error === null && <p class="quiet">Loading…</p> : <Figures measures={measures} />}
    </Page>
  )
}

const RATING_WORDS: Readonly<Record<Rating, string>> = {
  acceptable: 'Acceptable',
  manageable: 'Manageable',
  overDemanding: 'Over-demanding',
  unacceptable: 'Unacceptable',
}

function Figures({ measures }: { readonly measures: Measures }): JSX.Element {
  const { plant } = useServices()
  const { perOperator, operators, inTenMinutes, flood, acknowledgements } = measures
  const isTooMuch = perOperator.rating === 'overDemanding' || perOperator.rating === 'unacceptable'
  return (
    <>
      {measures.isTruncated && (
        <Notice icon="clock">So many changes that only those since {formatFull(measures.from)} were counted.</Notice>
      )}
      {flood.isActive && (
        <Notice icon="bad" tone="data">
          <strong>An alarm flood is under way.</strong> More than 10 alarms came within ten minutes
          {flood.since === null ? '' : `, since ${formatMoment(flood.since, plant.now.peek())}`}.
        </Notice>
      )}
      <div class="columns columns-wide">
        <Card
          title="Load of each operator"
          aside={
            <Badge tone={isTooMuch ? 'data' : 'normal'} icon={isTooMuch ? 'bad' : 'check'}>
              {RATING_WORDS[perOperator.rating]}
            </Badge>
          }
        >
          <Facts
            facts={[
              { term: 'In ten minutes, mean', value: <strong>{formatNumber(perOperator.per10Minutes, 2)}</strong> },
              { term: 'In the busiest ten minutes', value: formatNumber(perOperator.max, 1) },
              { term: 'In an hour', value: formatNumber(perOperator.perHour, 1) },
              { term: 'In a day', value: formatNumber(perOperator.perDay, 0) },
              {
                term: operators.isConfigured ? 'Operators (configured)' : 'Operators (who acted, at least 1)',
                value: formatCount(operators.count),
              },
            ]}
          />
          <p class="hint">Up to 1 in ten minutes is acceptable, up to 2 manageable, up to 10 over-demanding.</p>
        </Card>
        <Card title="All alarms of the period">
          <Facts
            facts={[
              { term: 'Alarms', value: formatCount(measures.alarms) },
              { term: 'In the last ten minutes', value: formatCount(inTenMinutes.now) },
              { term: 'Most in ten minutes', value: formatCount(inTenMinutes.max) },
              { term: 'Ten minutes with more than 10', value: share(inTenMinutes.shareAbove10) },
              { term: 'Floods', value: `${formatCount(flood.floods)}, ${share(flood.share)} of the time` },
              {
                term: 'Acknowledged after, median',
                value:
                  acknowledgements.medianSeconds === null
                    ? 'none acknowledged'
                    : formatDuration(acknowledgements.medianSeconds * 1000),
              },
            ]}
          />
        </Card>
        <Priorities measures={measures} />
        <Acted measures={measures} />
      </div>
      <Counts
        title="Most frequent"
        caption="Most frequent alarms"
        counts={measures.top}
        unit={(count) => (count === 1 ? 'once' : `${formatCount(count)} times`)}
      >
        None in this period.
      </Counts>
      <Counts
        title="Chattering"
        caption="Chattering alarms"
        counts={measures.chattering}
        unit={(count) => `${formatCount(count)} in one minute`}
        explanation="Three times or more within one minute. A larger hysteresis or a delay (onDelay, offDelay) calms them."
      >
        None: no alarm came three times within one minute.
      </Counts>
      <Standing title="Stale: active for more than a day" alarms={measures.stale} />
      <Standing title="Standing: active now, longest first" alarms={measures.standing} />
    </>
  )
}

function share(value: number): string {
  return `${formatNumber(value * 100, 1)} %`
}

function Priorities({ measures }: { readonly measures: Measures }): JSX.Element {
  return (
    <Card title="By priority">
      <Facts
        facts={priorityShares(measures.severities).map(({ severity, count, share: part }) => ({
          term: severity,
          label: <SeverityMark severity={severity} isHollow={count === 0} />,
          value: (
            <span class="bar-row">
              <Meter value={part} />
              {formatCount(count)}
            </span>
          ),
        }))}
      />
      <p class="hint">Rule of thumb: most are low, few are high, urgent ones are rare.</p>
    </Card>
  )
}

function Acted({ measures }: { readonly measures: Measures }): JSX.Element {
  const { acted } = measures.operators
  return (
    <Card title="Who acted">
      {acted.length === 0 ? (
        <p class="quiet">Nobody acted on an alarm in this period.</p>
      ) : (
        <Facts facts={acted.map(({ by, actions }) => ({ term: by, value: counted(actions, 'action') }))} />
      )}
    </Card>
  )
}

const COUNT_COLUMNS: readonly Column[] = [
  { key: 'alarm', head: 'Alarm' },
  { key: 'count', head: 'Count', align: 'end', isNarrow: true },
  { key: 'share', head: 'Share', align: 'end', isNarrow: true },
]

interface CountsProps {
  readonly title: string
  readonly caption: string
  readonly counts: readonly (CheckCount & { readonly share?: number })[]
  readonly unit: (count: number) => string
  readonly explanation?: string
  /** When there are none. */
  readonly children: ComponentChildren
}

function Counts({ title, caption, counts, unit, explanation, children }: CountsProps): JSX.Element {
  const { plant } = useServices()
  const hasShare = counts.some((count) => count.share !== undefined)
  const nameOf = (id: string): string => {
    const live = plant.sensor(id)
    if (live === undefined) return id
    return `${plant.machine(live.sensor.machine)?.machine.name ?? live.sensor.machine} · ${sensorName(live.sensor)}`
  }
  return (
    <Card title={title}>
      {explanation !== undefined && counts.length > 0 && <p class="quiet">{explanation}</p>}
      {counts.length === 0 ? (
        <p class="quiet">{children}</p>
      ) : (
        <Table caption={caption} columns={hasShare ? COUNT_COLUMNS : COUNT_COLUMNS.slice(0, 2)}>
          {counts.map(({ sensor, check, count, share: part }) => (
            <tr key={`${sensor} ${check}`}>
              <HeadCell>
                <Link to={sensorPath(sensor)}>{nameOf(sensor)}</Link>
                <span class="second-line">{nameFromId(check)}</span>
              </HeadCell>
              <Cell head="Count" align="end">
                {unit(count)}
              </Cell>
              {part !== undefined && (
                <Cell head="Share" align="end">
                  <span class="bar-row">
                    <Meter value={part} />
                    {share(part)}
                  </span>
                </Cell>
              )}
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

const STANDING_COLUMNS: readonly Column[] = [
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'where', head: 'Where' },
  { key: 'what', head: 'What' },
  { key: 'for', head: 'Active for', align: 'end', isNarrow: true },
]

function Standing({ title, alarms }: { readonly title: string; readonly alarms: readonly Alarm[] }): JSX.Element {
  const { plant } = useServices()
  return (
    <Card title={title}>
      {alarms.length === 0 ? (
        <p class="quiet">None.</p>
      ) : (
        <Table caption={title} columns={STANDING_COLUMNS}>
          {alarms.map((alarm) => (
            <tr key={alarm.id}>
              <HeadCell>
                <SeverityMark severity={alarm.severity} />
              </HeadCell>
              <Cell head="Where" isWide>
                <Link to={sensorPath(alarm.sensor)}>{alarmPlace(plant, alarm)}</Link>
              </Cell>
              <Cell head="What" isWide>
                {unparted(alarm.message)}
              </Cell>
              <Cell head="Active for" align="end">
                {formatDuration(plant.now.value - alarm.raisedAt)}
              </Cell>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}
