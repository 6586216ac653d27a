// What the rules and detectors of the brain said over all gateways, newest first. The time stands in the address.

import type { JSX } from 'preact'
import { Fields } from '../client/fields.ts'
import { decodePage, type Page as PageOf } from '../client/decode-page.ts'
import type { HttpClient } from '../client/http.ts'
import { SEVERITIES, type Severity } from '../client/wire.ts'
import { formatFull, formatMoment } from '../format/time.ts'
import { AlarmTabs } from '../pages/alarm-tabs.tsx'
import { usePages } from '../pages/use-pages.ts'
import { Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { ListFoot } from '../parts/list-foot.tsx'
import { Select } from '../parts/field.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { sensorPath } from '../state/route.ts'

import { gatewayPath } from './route.ts'
import { useCentral } from './services.ts'
import { Page } from './shell.tsx'
import { SPANS } from './spans.ts'

interface Alert {
  readonly id: string
  readonly rule: string
  readonly ruleName: string
  readonly severity: Severity
  readonly message: string
  /** Empty: it is about several, or about none. */
  readonly gateway: string
  /** As `gateway`. */
  readonly sensor: string
  readonly time: number
}

export function AlertsPage(): JSX.Element {
  const { api } = useCentral()
  const { now, router } = useFrame()
  const wished = new URLSearchParams(router.query.value).get('span')
  const span = SPANS.find(({ key }) => key === wished) ?? SPANS[2]
  const { entries, error, isLoading, more } = usePages<Alert>(span.key, (cursor, signal) =>
    readAlerts(api.http, { from: new Date(now.peek() - span.ms).toISOString(), cursor }, signal),
  )
  return (
    <Page title="Alerts of rules" lead={<p>What the rules and detectors of the brain said, newest first.</p>}>
      <AlarmTabs current="alerts" of="central" />
      <Card title="Alerts">
        <div class="filter-form">
          <Select
            label="Time"
            value={span.key}
            options={SPANS}
            onChoose={(chosen) => router.setQuery({ span: chosen })}
          />
        </div>
        {error !== null && (
          <Notice icon="bad" tone="data">
            <strong>The alerts could not be loaded.</strong> {error}
          </Notice>
        )}
        {entries.length === 0 && !isLoading && error === null ? (
          <EmptyState title="No rule has said anything in this time" icon="check">
            <p>
              Alerts come from the brain by way of the gateways that it is connected to. Choose a longer time, or look
              whether the gateway has an uplink of the type <code>grpc</code>.
            </p>
          </EmptyState>
        ) : (
          <AlertTable alerts={entries} />
        )}
        <ListFoot count={entries.length} nouns={['alert', 'alerts']} isLoading={isLoading} more={more} />
      </Card>
    </Page>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time', isNarrow: true },
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'message', head: 'What' },
  { key: 'where', head: 'Where' },
]

function AlertTable({ alerts }: { readonly alerts: readonly Alert[] }): JSX.Element {
  const now = useFrame().now.peek()
  return (
    <Table caption="Alerts" columns={COLUMNS}>
      {alerts.map(({ gateway, id, message, rule, ruleName, sensor, severity, time }) => (
        <tr key={id}>
          <HeadCell>
            <time title={formatFull(time)}>{formatMoment(time, now)}</time>
          </HeadCell>
          <Cell head="Priority">
            <SeverityMark severity={severity} />
          </Cell>
          <Cell head="What" isWide>
            {message}
            <span class="second-line">{ruleName === '' ? rule : ruleName}</span>
          </Cell>
          <Cell head="Where" isWide>
            {sensor !== '' && <Link to={sensorPath(sensor)}>{sensor}</Link>}
            {gateway !== '' && (
              <span class="second-line">
                at <Link to={gatewayPath(gateway)}>{gateway}</Link>
              </span>
            )}
            {sensor === '' && gateway === '' && <span class="quiet">Several gateways</span>}
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

async function readAlerts(
  http: HttpClient,
  { cursor, from }: { readonly cursor: string; readonly from: string },
  signal: AbortSignal,
): Promise<PageOf<Alert>> {
  const query = new URLSearchParams({ from, ...(cursor !== '' && { cursor }) })
  return decodePage(decodeAlert)(await http.request(`/alerts?${query.toString()}`, { signal }))
}

function decodeAlert(source: unknown): Alert {
  const f = new Fields(source, 'alert')
  return {
    id: f.text('id'),
    rule: f.text('rule'),
    ruleName: f.text('ruleName'),
    severity: f.oneOf('severity', SEVERITIES),
    message: f.text('message'),
    gateway: f.text('gateway'),
    sensor: f.text('sensor'),
    time: f.time('time'),
  }
}
