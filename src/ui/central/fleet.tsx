// The fleet: every gateway with how it is, the whole in figures, and how to connect the first one.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatAge, formatFull } from '../format/time.ts'
import { counted, listed } from '../format/words.ts'
import { Button, Link } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { gatewayPath } from './route.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page, useMay, WordsBadge } from './shell.tsx'
import { usePoll } from './use-poll.ts'
import type { FleetFigures, FleetGateway } from './wire.ts'
import { backlogWords, clockWords, OFFER_WORDS, uplinkYaml, type Words } from './words.ts'

const STEP = 100
const MOST = 1000

export function FleetPage(): JSX.Element {
  const { api } = useCentral()
  const [limit, setLimit] = useState(STEP)
  const { value, error } = usePoll(async () => {
    const [figures, { items, next }] = await Promise.all([api.fleet(), api.gateways(limit)])
    return { figures, gateways: items, hasMore: next !== null }
  }, String(limit))
  return (
    <Page title="Fleet" lead={value !== null && value.figures.gateways > 0 && <Summary figures={value.figures} />}>
      <LostNotice error={error} isStale={value !== null} />
      {value !== null && value.gateways.length === 0 && <Connect />}
      {value !== null && value.gateways.length > 0 && (
        <Card title="Gateways">
          <GatewayTable gateways={value.gateways} />
          {value.hasMore && (
            <div class="card-foot">
              {limit < MOST ? (
                <Button onClick={() => setLimit(Math.min(MOST, limit + STEP))}>
                  {`Show more of ${value.figures.gateways}`}
                </Button>
              ) : (
                <p class="quiet">The first {MOST}; the others are at /api/v1/gateways.</p>
              )}
            </div>
          )}
        </Card>
      )}
    </Page>
  )
}

/** One line: what is abnormal is said only when it is so. */
function Summary({ figures }: { readonly figures: FleetFigures }): JSX.Element {
  const { clocksOff, gateways, online, replaying, sensors, silent, versions } = figures
  const parts = [
    `${counted(gateways, 'gateway')} with ${counted(sensors, 'sensor')}`,
    `${online} online`,
    ...(silent > 0 ? [`${silent} silent`] : []),
    ...(replaying > 0 ? [`${replaying} catching up`] : []),
    ...(clocksOff > 0 ? [`${counted(clocksOff, 'clock')} off by more than a minute`] : []),
  ]
  const names = Object.keys(versions).filter((version) => version !== '')
  return (
    <p role="status">
      {parts.join(' · ')}
      {names.length > 0 && names.length <= 5 && ` · ${names.length === 1 ? 'version' : 'versions'} ${listed(names)}`}
      {names.length > 5 && ` · ${names.length} versions`}
    </p>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'gateway', head: 'Gateway' },
  { key: 'state', head: 'State' },
  { key: 'seen', head: 'Last seen' },
  { key: 'version', head: 'Version' },
  { key: 'clock', head: 'Clock' },
  { key: 'backlog', head: 'Backlog' },
  { key: 'configuration', head: 'Configuration' },
]

export function stateWords({ isOnline }: FleetGateway): Words {
  return isOnline ? { text: 'Online', tone: 'normal' } : { text: 'Silent', tone: 'data', icon: 'plugOff' }
}

function GatewayTable({ gateways }: { readonly gateways: readonly FleetGateway[] }): JSX.Element {
  const now = useFrame().now.value
  return (
    <Table caption="Gateways" columns={COLUMNS}>
      {gateways.map((gateway) => (
        <tr key={gateway.id}>
          <HeadCell>
            <Link to={gatewayPath(gateway.id)} class="row-link">
              {gateway.id}
            </Link>
            <span class="second-line">{gateway.factory}</span>
          </HeadCell>
          <Cell head="State">
            <WordsBadge words={stateWords(gateway)} />
          </Cell>
          <Cell head="Last seen">
            <time title={formatFull(gateway.seenAt)}>{formatAge(now - gateway.seenAt)}</time>
          </Cell>
          <Cell head="Version">{gateway.version}</Cell>
          <Cell head="Clock">
            <WordsBadge words={clockWords(gateway.clockOffsetMs)} />
          </Cell>
          <Cell head="Backlog">
            <WordsBadge words={backlogWords(gateway)} />
          </Cell>
          <Cell head="Configuration">
            <ConfigurationOf gateway={gateway} />
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

function ConfigurationOf({ gateway: { configuration } }: { readonly gateway: FleetGateway }): JSX.Element {
  if (configuration === null) return <span class="quiet">None offered</span>
  return (
    <span class="revision">
      {configuration.revision} <WordsBadge words={OFFER_WORDS[configuration.state]} />
    </span>
  )
}

function Connect(): JSX.Element {
  const mayKeys = useMay('admin')
  return (
    <Card title="No gateway has come here yet">
      <p>A gateway synchronises with this central as soon as it has a key and an uplink:</p>
      <ol class="steps">
        <li>
          {mayKeys ? <Link to="/keys">Make a key for it</Link> : 'Have an administrator make a key for it'}; the key is
          shown once.
        </li>
        <li>
          Give the key to the gateway as <code>CENTRAL_TOKEN</code>, in its environment or as a credential, and add this
          to its <code>gateway.yaml</code>:
          <UplinkYaml />
        </li>
        <li>Apply the configuration at the gateway, or start it again. It appears here by itself.</li>
      </ol>
      <p class="quiet">
        With <code>accept: true</code> it takes configurations that are offered here; without, it only sends.
      </p>
    </Card>
  )
}

export function UplinkYaml(): JSX.Element {
  return (
    <pre class="code-block" tabIndex={0} aria-label="Uplink">
      {uplinkYaml(location.origin)}
    </pre>
  )
}
