// Which program this is, on which machine, under which licences; and how its clock and its disk stand.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readAbout, readLicences, type About, type Licence } from '../client/about.ts'
import { errorMessage } from '../client/http.ts'
import type { Gateway } from '../client/wire.ts'
import { formatBytes, formatCount } from '../format/number.ts'
import { formatDuration, formatFull } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { Field } from '../parts/field.tsx'
import { Meter } from '../parts/meter.tsx'
import { Cell, Facts, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'

const ASK_MS = 10_000
/** A disk that is fuller leaves little room for a backup, and none for long outages of an uplink. */
const FULL_SHARE = 0.9
const SKEW_SHOWN_MS = 5000

export function AboutPage(): JSX.Element {
  const { plant } = useServices()
  const gateway = plant.gateway.value
  const { about, error } = useAbout()
  return (
    <Page title="About" lead={gateway === null ? undefined : <p>{`TelemetryX Edge ${gateway.version}`}</p>}>
      <SystemTabs current="about" />
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>Not all could be loaded.</strong> {error}
        </Notice>
      )}
      <div class="columns columns-pair">
        {gateway !== null && <Program gateway={gateway} about={about} />}
        {gateway !== null && <Machine gateway={gateway} about={about} />}
      </div>
      <Licences />
    </Page>
  )
}

function useAbout(): { readonly about: About | null; readonly error: string | null } {
  const { api, plant } = useServices()
  const [about, setAbout] = useState<About | null>(null)
  const [error, setError] = useState<string | null>(null)
  const turn = Math.floor(plant.now.value / ASK_MS)
  useEffect(() => {
    let isGone = false
    readAbout(api.http).then(
      (loaded) => {
        if (isGone) return
        setAbout(loaded)
        setError(null)
      },
      (cause: unknown) => !isGone && setError(errorMessage(cause)),
    )
    return () => {
      isGone = true
    }
  }, [turn])
  return { about, error }
}

interface PartProps {
  readonly gateway: Gateway
  readonly about: About | null
}

function Program({ gateway, about }: PartProps): JSX.Element {
  const { plant } = useServices()
  return (
    <Card title="Program">
      <Facts
        facts={[
          { term: 'Gateway', value: gateway.id },
          { term: 'Version', value: gateway.version },
          { term: 'Licence', value: about?.runtime.license ?? '–' },
          { term: 'Running for', value: formatDuration(plant.now.value - gateway.startedAt) },
          { term: 'Started', value: formatFull(gateway.startedAt) },
          { term: 'Number of this start', value: formatCount(gateway.epoch) },
        ]}
      />
      <p class="card-foot button-row">
        <a class="button" href="/api/v1/docs">
          The API of this gateway
        </a>
        <Link class="button" to="/parts">
          Parts of this page
        </Link>
      </p>
    </Card>
  )
}

function Machine({ gateway, about }: PartProps): JSX.Element {
  const runtime = about?.runtime
  return (
    <Card title="Machine">
      <Facts
        facts={[
          {
            term: 'System',
            value: runtime === undefined ? '–' : `${runtime.platform}, ${runtime.architecture}`,
          },
          { term: 'Runtime', value: runtime === undefined ? '–' : `Node.js ${runtime.node.replace(/^v/, '')}` },
          { term: 'Clock', value: <ClockWords about={about} /> },
          { term: 'Database', value: formatBytes(gateway.store.bytes) },
          { term: 'Written in this run', value: formatBytes(gateway.store.writtenBytes) },
          { term: 'Disk', value: <DiskWords disk={about?.disk ?? null} /> },
        ]}
      />
      {about !== null && about.quarantined !== null && (
        <Notice icon="bad" tone="data">
          <strong>A damaged database was set aside at this start:</strong>{' '}
          <span class="breakable">{about.quarantined}</span>
        </Notice>
      )}
    </Card>
  )
}

function ClockWords({ about }: { readonly about: About | null }): JSX.Element {
  const { plant } = useServices()
  const skew = plant.clockOffsetMs.value
  const difference =
    Math.abs(skew) > SKEW_SHOWN_MS
      ? `, ${formatDuration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} this computer`
      : ''
  if (about === null) return <>–</>
  return (
    <>
      {about.isClockTrusted ? 'Trusted' : 'Not trusted: it has not been set since the start'}
      {difference}
    </>
  )
}

function DiskWords({ disk }: { readonly disk: About['disk'] }): JSX.Element {
  if (disk === null) return <>–</>
  const share = 1 - disk.freeBytes / disk.totalBytes
  return (
    <span class="bar-row">
      <Meter value={share} isHigh={share > FULL_SHARE} />
      {formatBytes(disk.freeBytes)} of {formatBytes(disk.totalBytes)} free
    </span>
  )
}

const SHOWN = 20
const COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Package' },
  { key: 'version', head: 'Version' },
  { key: 'license', head: 'Licence' },
]

function Licences(): JSX.Element {
  const { api } = useServices()
  const [licences, setLicences] = useState<readonly Licence[] | null>(null)
  const [state, setState] = useState<'loading' | 'ready' | 'absent' | 'failed'>('loading')
  const [filter, setFilter] = useState('')
  const [isWhole, setWhole] = useState(false)
  useEffect(() => {
    let isGone = false
    readLicences(api.http).then(
      (loaded) => {
        if (isGone) return
        setLicences(loaded)
        setState(loaded === null ? 'absent' : 'ready')
      },
      () => !isGone && setState('failed'),
    )
    return () => {
      isGone = true
    }
  }, [])
  const wanted = filter.trim().toLowerCase()
  const matching = (licences ?? []).filter(
    ({ name, license }) => name.toLowerCase().includes(wanted) || license.toLowerCase().includes(wanted),
  )
  const shown = isWhole ? matching : matching.slice(0, SHOWN)
  return (
    <Card title="Licences of what is inside">
      {state === 'loading' && <p class="quiet">Loading…</p>}
      {state === 'absent' && <p class="quiet">This gateway does not tell them.</p>}
      {state === 'failed' && <p class="quiet">They could not be loaded: open this page anew.</p>}
      {licences !== null && (
        <>
          <div class="filter-form">
            <Field label="Package or licence" value={filter} onInput={setFilter} />
            <p class="quiet filter-count" role="status">
              {wanted === ''
                ? `${counted(licences.length, 'package')}, ${summary(licences)}`
                : `${matching.length} of ${counted(licences.length, 'package')}`}
            </p>
          </div>
          <Table caption="Packages and their licences" kind="short" columns={COLUMNS}>
            {shown.map(({ name, version, license }) => (
              <tr key={`${name} ${version}`}>
                <HeadCell>
                  <span class="breakable">{name}</span>
                </HeadCell>
                <Cell head="Version">{version}</Cell>
                <Cell head="Licence">{license}</Cell>
              </tr>
            ))}
          </Table>
          {shown.length < matching.length && (
            <div class="card-foot">
              <Button onClick={() => setWhole(true)}>Show all {matching.length}</Button>
            </div>
          )}
        </>
      )}
    </Card>
  )
}

/** `MIT 120, ISC 14, …`: the most frequent first. */
function summary(licences: readonly Licence[]): string {
  const counts = new Map<string, number>()
  for (const { license } of licences) counts.set(license, (counts.get(license) ?? 0) + 1)
  const sorted = [...counts].sort((a, b) => b[1] - a[1])
  const shown = sorted.slice(0, 4).map(([license, count]) => `${count} ${license}`)
  return [...shown, ...(sorted.length > 4 ? ['others'] : [])].join(', ')
}
