// A backup and a support bundle to take away: what is in each, and what it is for. For administrators.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { makeArchive, type ArchiveKind } from '../client/archives.ts'
import { errorMessage } from '../client/http.ts'
import { formatBytes } from '../format/number.ts'
import { formatDuration } from '../format/time.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { ErrorText } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import { Meter } from '../parts/meter.tsx'
import { saveBlob } from '../parts/save-file.ts'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'

export function BackupPage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page title="Backup and support" lead={<p>Files to take away. The gateway runs on while it makes them.</p>}>
      <SystemTabs current="backup" />
      {plant.may('admin') ? (
        <div class="columns columns-pair">
          <Backup />
          <SupportBundle />
        </div>
      ) : (
        <EmptyState title="Backups are for administrators" icon="user">
          <p>They hold every reading, every user and the whole configuration. Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Backup(): JSX.Element {
  const { plant } = useServices()
  const store = plant.gateway.value?.store
  return (
    <Card title="Backup">
      <p>Everything that another gateway needs to take the place of this one.</p>
      <Contents
        items={[
          'The database: readings, alarms, events, what uplinks have not yet delivered',
          'The configuration with its sensor lists and its revisions',
          'What detectors have learnt, and sensors that appeared by themselves',
          'Users and tokens, as hashes',
          'A list of all files with their SHA-256',
        ]}
        without="Secrets that the configuration takes from the store of secrets, from files or from the environment are not in it: set them anew on a restored gateway."
      />
      {store !== undefined && (
        <p class="quiet">The database has {formatBytes(store.bytes)} now; the copy needs twice the room meanwhile.</p>
      )}
      <Making kind="backup" action="Make a backup" />
      <h3 class="card-part">To restore it</h3>
      <ol class="steps">
        <li>
          Stop the gateway that it shall replace: <code class="command">sudo systemctl stop telemetryx-gateway</code>
        </li>
        <li>
          Put the backup into its data folder:{' '}
          <code class="command">sudo -u telemetryx telemetryx restore FILE.tar --data /var/lib/telemetryx</code> It is
          checked before anything changes. With <code>--force</code> data that are there are set aside, not deleted.
        </li>
        <li>Start the gateway as the command then says. Never run the old one and the restored one at once.</li>
      </ol>
    </Card>
  )
}

function SupportBundle(): JSX.Element {
  return (
    <Card title="Support bundle">
      <p>What somebody who helps from afar needs to see, in text files.</p>
      <Contents
        items={[
          'The configuration without its comments',
          'State of the gateway, devices, uplinks and alarms, metrics',
          'The last frames on the wire of each device',
          'The log of this run and the last 2000 events',
        ]}
        without="Passwords, tokens and keys are taken out, by their place and by their value. Names, addresses and values of the plant stay in: look through it before you pass it on."
      />
      <Making kind="support-bundle" action="Make a support bundle" />
    </Card>
  )
}

function Contents({ items, without }: { readonly items: readonly string[]; readonly without: string }): JSX.Element {
  return (
    <>
      <ul class="contents">
        {items.map((item) => (
          <li key={item}>
            <Icon name="check" />
            {item}
          </li>
        ))}
      </ul>
      <Notice icon="bad">{without}</Notice>
    </>
  )
}

type Work =
  | { readonly state: 'idle' }
  | { readonly state: 'making'; readonly since: number }
  | { readonly state: 'receiving'; readonly received: number; readonly total: number | null }
  | { readonly state: 'done'; readonly name: string; readonly bytes: number }
  | { readonly state: 'failed'; readonly reason: string }

function Making({ kind, action }: { readonly kind: ArchiveKind; readonly action: string }): JSX.Element {
  const { api, plant } = useServices()
  const [work, setWork] = useState<Work>({ state: 'idle' })
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])
  const make = async (): Promise<void> => {
    const mine = new AbortController()
    abort.current = mine
    setWork({ state: 'making', since: plant.now.peek() })
    try {
      const { name, content } = await makeArchive(api.http, kind, mine.signal, (received, total) =>
        setWork({ state: 'receiving', received, total }),
      )
      const saved = name ?? `${kind}.${kind === 'backup' ? 'tar' : 'tgz'}`
      saveBlob(saved, content)
      setWork({ state: 'done', name: saved, bytes: content.size })
    } catch (cause) {
      setWork(mine.signal.aborted ? { state: 'idle' } : { state: 'failed', reason: errorMessage(cause) })
    }
  }
  const isBusy = work.state === 'making' || work.state === 'receiving'
  return (
    <>
      <ErrorText text={work.state === 'failed' ? work.reason : null} />
      <div role="status">
        <Progress work={work} />
      </div>
      <div class="card-foot button-row">
        {isBusy && <Button onClick={() => abort.current?.abort()}>Cancel</Button>}
        <Button kind="primary" icon="download" disabled={isBusy} onClick={() => void make()}>
          {isBusy ? 'Working…' : action}
        </Button>
      </div>
    </>
  )
}

function Progress({ work }: { readonly work: Work }): ComponentChildren {
  const { plant } = useServices()
  switch (work.state) {
    case 'idle':
    case 'failed':
      return null
    case 'making':
      return (
        <p class="outcome">
          <Icon name="waiting" />
          The gateway is making it, {formatDuration(plant.now.value - work.since)}
        </p>
      )
    case 'receiving':
      return (
        <p class="outcome">
          {work.total !== null && <Meter value={work.received / work.total} />}
          {formatBytes(work.received)}
          {work.total !== null && ` of ${formatBytes(work.total)}`}
        </p>
      )
    case 'done':
      return (
        <p class="outcome">
          <Icon name="check" />
          <span class="breakable">
            {work.name}, {formatBytes(work.bytes)}
          </span>
        </p>
      )
  }
}
