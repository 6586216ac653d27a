// Revisions: who applied what and why, what changed from one to another, and going back.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import {
  readChanges,
  readPresent,
  readRevisions,
  readRevisionText,
  rollBack,
  type Plan,
  type Present,
  type Revision,
} from '../client/configuration.ts'
import { errorMessage } from '../client/http.ts'
import { formatMoment } from '../format/time.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Badge } from '../parts/marks.tsx'
import { saveFile } from '../parts/save-file.ts'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { PlanView } from './configuration-plan.tsx'
import { WatchNotice, type Watched } from './configuration-watch.tsx'
import { SystemTabs } from './system-tabs.tsx'

const ORIGINS: Readonly<Record<Revision['origin'], string>> = {
  start: 'found at the start',
  file: 'file on the gateway',
  api: 'dashboard or API',
  cli: 'command line',
  central: 'central',
  rollback: 'rollback',
}

const STATES: Readonly<Record<Revision['state'], string>> = {
  applying: 'Being applied',
  watched: 'In force, watched',
  kept: 'Kept',
  replaced: 'Replaced',
  rolledBack: 'Taken back',
  failed: 'Failed',
}

export function RevisionsPage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page title="Revisions" lead={<p>Every configuration that was applied, newest first.</p>}>
      <SystemTabs current="revisions" />
      {plant.may('engineer') ? (
        <Revisions />
      ) : (
        <EmptyState title="Revisions are for engineers" icon="user">
          <p>Sign in as an engineer or an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Revisions(): JSX.Element {
  const { api } = useServices()
  const [revisions, setRevisions] = useState<readonly Revision[] | null>(null)
  const [present, setPresent] = useState<Present | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [shown, setShown] = useState<number | null>(null)
  const [goingBackTo, setGoingBackTo] = useState<Revision | null>(null)
  const [watched, setWatched] = useState<Watched | null>(null)
  const load = async (): Promise<void> => {
    try {
      const [list, now] = await Promise.all([readRevisions(api.http), readPresent(api.http)])
      setRevisions(list)
      setPresent(now)
      setError(null)
      if (now.watchedUntil !== null) setWatched({ revision: now.revision.number, until: now.watchedUntil })
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  useEffect(() => void load(), [])
  if (error !== null && revisions === null)
    return (
      <EmptyState title="The revisions cannot be shown">
        <p>{error}</p>
      </EmptyState>
    )
  if (revisions === null || present === null) return <p class="quiet">Loading…</p>
  return (
    <>
      {watched !== null && <WatchNotice key={watched.revision} watched={watched} onDecided={() => void load()} />}
      <Card title="Revisions">
        <RevisionTable
          revisions={revisions}
          inForce={present.revision.number}
          shown={shown}
          onShow={setShown}
          onGoBack={setGoingBackTo}
        />
      </Card>
      {shown !== null && <Difference key={shown} revisions={revisions} to={shown} />}
      {goingBackTo !== null && (
        <RollbackDialog
          revision={goingBackTo}
          present={present}
          onClose={() => setGoingBackTo(null)}
          onDone={(done) => {
            setGoingBackTo(null)
            setWatched(done)
            void load()
          }}
        />
      )}
    </>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'number', head: 'Revision', isNarrow: true },
  { key: 'time', head: 'When', isNarrow: true },
  { key: 'by', head: 'By' },
  { key: 'why', head: 'Why' },
  { key: 'state', head: 'State', isNarrow: true },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface RevisionTableProps {
  readonly revisions: readonly Revision[]
  readonly inForce: number
  readonly shown: number | null
  readonly onShow: (number: number) => void
  readonly onGoBack: (revision: Revision) => void
}

function RevisionTable({ revisions, inForce, onShow, onGoBack }: RevisionTableProps): JSX.Element {
  const { api, plant } = useServices()
  const save = async (number: number): Promise<void> =>
    saveFile(`gateway-revision-${number}.yaml`, await readRevisionText(api.http, number), 'application/yaml')
  const oldest = revisions.at(-1)?.number
  return (
    <Table caption="Revisions of the configuration" columns={COLUMNS}>
      {revisions.map((revision) => {
        const { number, time, by, origin, comment, state, reason } = revision
        const isBad = state === 'rolledBack' || state === 'failed'
        return (
          <tr key={number}>
            <HeadCell>Revision {number}</HeadCell>
            <Cell head="When">{formatMoment(time, plant.now.peek())}</Cell>
            <Cell head="By">
              {by}
              <span class="second-line">{ORIGINS[origin]}</span>
            </Cell>
            <Cell head="Why" isWide>
              {comment ?? ''}
              {reason !== null && <span class="second-line">{reason}</span>}
            </Cell>
            <Cell head="State">
              <Badge tone={isBad ? 'data' : number === inForce ? 'normal' : 'quiet'} icon={isBad ? 'bad' : undefined}>
                {number === inForce && state === 'kept' ? 'In force' : STATES[state]}
              </Badge>
            </Cell>
            <Cell head="Do" align="end">
              <div class="button-row">
                <Button
                  onClick={() => onShow(number)}
                  disabled={number === oldest}
                  label={`Changes of revision ${number}`}
                >
                  Changes
                </Button>
                <Button kind="quiet" onClick={() => void save(number)} label={`Download revision ${number}`}>
                  Download
                </Button>
                <Button
                  onClick={() => onGoBack(revision)}
                  disabled={number === inForce}
                  label={`Go back to revision ${number}`}
                >
                  Go back
                </Button>
              </div>
            </Cell>
          </tr>
        )
      })}
    </Table>
  )
}

function Difference({ revisions, to }: { readonly revisions: readonly Revision[]; readonly to: number }): JSX.Element {
  const others = revisions.filter(({ number }) => number < to)
  const [from, setFrom] = useState(others[0]?.number ?? to)
  return (
    <Card title={`What changed in revision ${to}`}>
      <Select
        label="Compared to"
        value={String(from)}
        options={others.map(({ number }) => ({ key: String(number), text: `Revision ${number}` }))}
        onChoose={(key) => setFrom(Number(key))}
      />
      <Changes from={from} to={to} />
    </Card>
  )
}

function Changes({ from, to }: { readonly from: number; readonly to: number }): JSX.Element {
  const { api } = useServices()
  const [plan, setPlan] = useState<Plan | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    let isGone = false
    setPlan(null)
    setError(null)
    readChanges(api.http, from, to).then(
      (loaded) => !isGone && setPlan(loaded),
      (cause: unknown) => !isGone && setError(errorMessage(cause)),
    )
    return () => {
      isGone = true
    }
  }, [from, to])
  if (error !== null)
    return (
      <Notice icon="bad" tone="data">
        <strong>They cannot be compared.</strong> {error}
      </Notice>
    )
  return plan === null ? <p class="quiet">Comparing…</p> : <PlanView plan={plan} tense="diff" />
}

interface RollbackDialogProps {
  readonly revision: Revision
  readonly present: Present
  readonly onClose: () => void
  readonly onDone: (watched: Watched) => void
}

/** Shows what going back would change before it does. */
function RollbackDialog({ revision, present, onClose, onDone }: RollbackDialogProps): JSX.Element {
  const { api } = useServices()
  const [comment, setComment] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      const applied = await rollBack(api.http, revision.number, comment, present.etag)
      onDone({ revision: applied.revision, until: applied.watchedUntil })
    } catch (cause) {
      setError(errorMessage(cause))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={`Go back to revision ${revision.number}?`}
      action="Go back"
      onAction={() => void run()}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <p>Its text becomes a new revision and is applied; this is what changes:</p>
      <div class="dialog-plan">
        <Changes from={present.revision.number} to={revision.number} />
      </div>
      <Field label="Why" value={comment} onInput={setComment} maxLength={500} />
    </Dialog>
  )
}
