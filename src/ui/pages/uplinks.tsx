// Where the data go: for each uplink its state and its ledger. accepted = delivered + waiting + filtered + dropped + rejected.

import type { JSX } from 'preact'
import type { Uplink, UplinkLane, UplinkState } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatDuration } from '../format/time.ts'
import { counted, UPLINK_WORDS } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import type { IconName } from '../parts/icon.tsx'
import { Badge } from '../parts/marks.tsx'
import { Facts } from '../parts/table.tsx'
import { uplinkPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { Ledger } from './uplinks-ledger.tsx'

const ICONS: Readonly<Record<UplinkState, IconName>> = {
  online: 'check',
  connecting: 'waiting',
  waiting: 'waiting',
  retrying: 'plugOff',
  stopped: 'cross',
}

export function UplinksPage(): JSX.Element {
  const { plant } = useServices()
  const uplinks = plant.uplinks.value
  return (
    <Page
      title="Uplinks"
      lead={
        <p>While a receiver is away, readings wait on disk and then follow in order. Each one is accounted for here.</p>
      }
    >
      {uplinks.length === 0 ? (
        <EmptyState title="No uplinks are configured" icon="uplinks">
          <p>
            Values stay on this gateway. Add one under <code>uplinks</code> in the configuration to send them to a
            broker or a server.
          </p>
        </EmptyState>
      ) : (
        <div class="columns">
          {uplinks.map((uplink) => (
            <UplinkCard key={uplink.id} uplink={uplink} />
          ))}
        </div>
      )}
    </Page>
  )
}

interface UplinkCardProps {
  readonly uplink: Uplink
  /** On its own page: without a link to it. */
  readonly isAlone?: boolean
}

export function UplinkCard({ uplink, isAlone = false }: UplinkCardProps): JSX.Element {
  const isDown = uplink.state === 'retrying' || uplink.state === 'stopped'
  return (
    <Card
      title={isAlone ? 'State' : uplink.id}
      aside={
        <Badge tone={uplink.state === 'online' ? 'normal' : isDown ? 'data' : 'quiet'} icon={ICONS[uplink.state]}>
          {UPLINK_WORDS[uplink.state]}
        </Badge>
      }
    >
      {uplink.reason !== null && (
        <Notice icon="plugOff" tone={isDown ? 'data' : 'quiet'}>
          {uplink.reason}
        </Notice>
      )}
      <Ledger uplink={uplink} />
      <UplinkFacts uplink={uplink} />
      {!isAlone && (
        <div class="card-foot">
          <Link to={uplinkPath(uplink.id)} class="button">
            {uplink.deadLetters === 0 ? 'Details' : counted(uplink.deadLetters, 'dead letter')}
            <span class="sr-only"> of {uplink.id}</span>
          </Link>
        </div>
      )}
    </Card>
  )
}

const LANE_WORDS: Readonly<Record<UplinkLane['lane'], string>> = {
  inOrder: 'In order',
  live: 'Live',
  backlog: 'Backlog',
}

function UplinkFacts({ uplink }: { readonly uplink: Uplink }): JSX.Element {
  const { plant } = useServices()
  const lanes = uplink.lanes.map(({ lane, cursor, pending }) => ({
    term: `Lane: ${LANE_WORDS[lane].toLowerCase()}`,
    value: `${formatCount(pending)} waiting, settled up to ${cursor}`,
  }))
  return (
    <Facts
      facts={[
        { term: 'Type', value: uplink.type },
        {
          term: 'Oldest waiting',
          value: uplink.pending === 0 ? 'nothing waits' : formatDuration(uplink.oldestPendingAge * 1000),
        },
        {
          term: 'Replay',
          value: uplink.replayRate === 0 ? 'nothing is replayed' : replayText(uplink),
        },
        ...(lanes.length > 1 ? lanes : [{ term: 'Cursor (start/record)', value: uplink.cursor }]),
        { term: 'Breaker', value: breakerText(uplink, plant.now.value) },
        { term: 'Dead letters', value: formatCount(uplink.deadLetters) },
      ]}
    />
  )
}

/** `1200 records a second, done in 3 min` */
function replayText({ replayRate, pending }: Uplink): string {
  return `${formatCount(Math.round(replayRate))} records a second, done in about ${formatDuration((pending / replayRate) * 1000)}`
}

function breakerText({ breaker }: Uplink, now: number): string {
  const failures = breaker.failures === 0 ? '' : `, ${counted(breaker.failures, 'failure')} in a row`
  const next =
    breaker.retryAt === null || breaker.retryAt <= now ? '' : `, next try in ${formatDuration(breaker.retryAt - now)}`
  switch (breaker.state) {
    case 'closed':
      return `closed${failures}${next}`
    case 'open':
      return `open${failures}${next}`
    case 'halfOpen':
      return `trying with a few records${failures}`
  }
}
