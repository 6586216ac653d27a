// The configuration in an editor: checked while it is written, planned, then applied. Nothing changes before that.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { reloadFile, type Present, type TextProblem } from '../client/configuration.ts'
import { errorMessage } from '../client/http.ts'
import { YamlEditor, type EditorHandle } from '../editor/yaml-editor.tsx'
import { saveFile } from '../parts/save-file.ts'
import { formatMoment } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import { useServices } from '../state/services.ts'
import { PlanView } from './configuration-plan.tsx'
import { Secrets } from './configuration-secrets.tsx'
import { WatchNotice } from './configuration-watch.tsx'
import { SystemTabs } from './system-tabs.tsx'
import { useConfiguration, type ConfigurationDesk } from './use-configuration.ts'

export function ConfigurationPage(): JSX.Element {
  const { plant } = useServices()
  const desk = useConfiguration()
  const { present, failure } = desk
  return (
    <Page title="Configuration" lead={present === null ? undefined : <Standing present={present} />}>
      <SystemTabs current="configuration" />
      {!plant.may('engineer') ? (
        <EmptyState title="The configuration is for engineers" icon="user">
          <p>Sign in as an engineer or an administrator to see and change it.</p>
        </EmptyState>
      ) : failure !== null && present === null ? (
        <EmptyState title="The configuration cannot be shown">
          <p>{failure}</p>
        </EmptyState>
      ) : present === null ? (
        <p class="quiet">Loading…</p>
      ) : (
        <Desk desk={desk} present={present} />
      )}
    </Page>
  )
}

function Standing({ present }: { readonly present: Present }): JSX.Element {
  const { plant } = useServices()
  const { revision, file } = present
  return (
    <p>
      Revision {revision.number} is in force, by {revision.by}, {formatMoment(revision.time, plant.now.peek())}.{' '}
      <span class="id">{file}</span>
    </p>
  )
}

function Desk({ desk, present }: { readonly desk: ConfigurationDesk; readonly present: Present }): JSX.Element {
  const { drafts } = useServices()
  const handle = useRef<EditorHandle | null>(null)
  const draft = drafts.configuration.value
  const text = draft?.text ?? present.text
  const isChanged = draft !== null && draft.text !== draft.base.text
  useEffect(() => {
    if (desk.isStale || desk.watched !== null) scrollTo(0, 0) // what is said about it stands at the top
  }, [desk.isStale, desk.watched?.revision])
  const onChange = (next: string): void => {
    const base = drafts.configuration.peek()?.base ?? baseOf(present)
    drafts.configuration.value = next === base.text && base.etag === present.etag ? null : { text: next, base }
    desk.forgetPlan()
  }
  const replaceByPresent = (loaded: Present): void => {
    drafts.configuration.value = null
    handle.current?.replace(loaded.text)
    drafts.configuration.value = null
  }
  const take = async (): Promise<void> => {
    const loaded = await desk.load()
    if (loaded !== null) replaceByPresent(loaded)
    await desk.load()
  }
  return (
    <>
      {desk.watched !== null && (
        <WatchNotice
          key={desk.watched.revision}
          watched={desk.watched}
          onDecided={({ state }) => {
            const isTakenBack = state === 'rolledBack'
            void (isTakenBack && drafts.configuration.peek() === null ? take() : desk.load())
          }}
        />
      )}
      <FileNotice present={present} onTaken={take} />
      {desk.isStale && draft !== null && (
        <StaleNotice
          present={present}
          base={draft.base.revision}
          onKeep={() => {
            drafts.configuration.value = { text, base: baseOf(present) }
            desk.forgetPlan()
            void desk.load()
          }}
          onDrop={() => void take()}
        />
      )}
      <Card
        title={isChanged ? 'Draft, not applied' : 'In force'}
        aside={
          <div class="button-row">
            <Link to="/configuration/add" class="button">
              <Icon name="add" />
              Add a device
            </Link>
            <Button
              icon="download"
              kind="quiet"
              onClick={() => saveFile('gateway.yaml', present.text, 'application/yaml')}
            >
              Download
            </Button>
            <Button kind="quiet" icon="restart" disabled={!isChanged} onClick={() => void take()}>
              Discard the draft
            </Button>
          </div>
        }
      >
        <YamlEditor
          text={text}
          label="Configuration in YAML. Control and Space offers keys; Tab leaves the editor."
          schema={desk.schema}
          check={desk.check}
          onChange={onChange}
          onReady={(ready) => (handle.current = ready)}
        />
        <Problems problems={desk.problems} onJump={({ line, column }) => handle.current?.jumpTo(line, column)} />
        <ErrorText text={desk.error} />
        <div class="card-foot button-row">
          <Button
            kind={desk.planned === null ? 'primary' : 'plain'}
            onClick={() => void desk.makePlan(text)}
            disabled={!isChanged || desk.isBusy || desk.isStale}
            title={isChanged ? undefined : 'There is nothing to plan: the draft is what is in force'}
          >
            {desk.isBusy && desk.planned === null ? 'Planning…' : 'Show what would change'}
          </Button>
        </div>
      </Card>
      {desk.planned !== null && <PlanCard desk={desk} planned={desk.planned} />}
      <Secrets revision={present.revision.number} onTaken={() => void desk.load()} />
    </>
  )
}

function baseOf({ text, etag, revision }: Present) {
  return { text, etag, revision: revision.number }
}

function PlanCard({
  desk,
  planned,
}: {
  readonly desk: ConfigurationDesk
  readonly planned: NonNullable<ConfigurationDesk['planned']>
}): JSX.Element {
  const [comment, setComment] = useState('')
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => root.current?.scrollIntoView({ block: 'nearest' }), [])
  const isRefused = planned.plan.needsRestart.length > 0
  return (
    <div ref={root} class="plan">
      <Card title="What would change">
        <PlanView plan={planned.plan} tense="plan" />
        {!isRefused && (
          <form
            class="apply-form"
            onSubmit={(event) => {
              event.preventDefault()
              void desk.applyText(planned.text, comment)
            }}
          >
            <Field label="Why (for the list of revisions)" value={comment} onInput={setComment} maxLength={500} />
            <Button type="submit" kind="primary" disabled={desk.isBusy || desk.isStale}>
              {desk.isBusy ? 'Applying…' : 'Apply'}
            </Button>
          </form>
        )}
      </Card>
    </div>
  )
}

interface ProblemsProps {
  readonly problems: readonly TextProblem[] | null
  readonly onJump: (problem: TextProblem) => void
}

const SHOWN = 20

function Problems({ problems, onJump }: ProblemsProps): JSX.Element {
  return (
    <div class="problems" role="status">
      {problems === null ? (
        <p class="quiet">Not checked yet.</p>
      ) : problems.length === 0 ? (
        <p class="quiet">No mistakes found.</p>
      ) : (
        <>
          <p>{counted(problems.length, 'mistake')}:</p>
          <ul>
            {problems.slice(0, SHOWN).map((problem) => (
              <li key={`${problem.line}:${problem.column} ${problem.message}`}>
                <button type="button" class="problem" onClick={() => onJump(problem)}>
                  <span class="problem-place">Line {problem.line}</span> {problem.message}
                </button>
              </li>
            ))}
          </ul>
          {problems.length > SHOWN && <p class="quiet">and {problems.length - SHOWN} more.</p>}
        </>
      )}
    </div>
  )
}

interface StaleNoticeProps {
  readonly present: Present
  readonly base: number
  readonly onKeep: () => void
  readonly onDrop: () => void
}

function StaleNotice({ present, base, onKeep, onDrop }: StaleNoticeProps): JSX.Element {
  const { revision } = present
  return (
    <div role="alert">
      <Notice icon="bad" tone="data">
        <p>
          <strong>The configuration has changed since you began.</strong> Your draft was made from revision {base};{' '}
          {revision.by} applied revision {revision.number} meanwhile
          {revision.comment === null ? '' : ` (“${revision.comment}”)`}. If you keep your draft it takes the place of
          that change: the plan will show what it undoes.
        </p>
        <div class="button-row">
          <Button onClick={onKeep}>Keep my draft and plan anew</Button>
          <Button onClick={onDrop}>Take what is in force</Button>
        </div>
      </Notice>
    </div>
  )
}

/** The file beside the gateway, when it is not what is in force. */
function FileNotice({
  present,
  onTaken,
}: {
  readonly present: Present
  readonly onTaken: () => Promise<void>
}): JSX.Element | null {
  const { api } = useServices()
  const [error, setError] = useState<string | null>(null)
  if (present.fileState === 'same') return null
  if (present.fileState !== 'changed')
    return (
      <Notice icon="bad" tone="data">
        <strong>The file {present.fileState === 'missing' ? 'is gone' : 'cannot be read'}.</strong> The gateway goes on
        with what is in force.
      </Notice>
    )
  const reload = async (): Promise<void> => {
    try {
      await reloadFile(api.http)
      await onTaken()
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  return (
    <Notice icon="bad" tone="data">
      <p>
        <strong>The file was edited on the gateway and is not in force.</strong> Nothing can be applied here until it is
        taken up or put back.
      </p>
      <Button onClick={() => void reload()}>Take up the file</Button>
      <ErrorText text={error} />
    </Notice>
  )
}
