// The YAML that will be written, its check and its plan by the gateway, and writing it through the configuration's own routes.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { apply, check, plan, readPresent, type Plan, type TextProblem } from '../client/configuration.ts'
import { ApiError, errorMessage } from '../client/http.ts'
import { deviceYaml } from '../editor/device-yaml.ts'
import { insertDevice, type Inserted } from '../editor/insert-device.ts'
import { Button } from '../parts/button.tsx'
import { Notice } from '../parts/card.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { saveFile } from '../parts/save-file.ts'
import { entryOf, formProblems, type DeviceForm } from '../set-up/device-form.ts'
import { useServices } from '../state/services.ts'
import { PlanView } from './configuration-plan.tsx'
import type { Watched } from './configuration-watch.tsx'

interface AddWriteProps {
  readonly form: DeviceForm
  readonly taken: ReadonlySet<string>
  readonly onWritten: (written: Watched) => void
}

/** What the gateway says of the YAML as it was when it was asked. */
interface Judged {
  readonly yaml: string
  readonly inserted: Inserted
  readonly etag: string
  readonly problems: readonly TextProblem[]
  readonly plan: Plan | null
}

export function AddWrite({ form, taken, onWritten }: AddWriteProps): JSX.Element {
  const { drafts } = useServices()
  const yaml = deviceYaml(entryOf(form))
  const shown = shownYaml(form)
  const { judged, isBusy, error, judge, write } = useWriting(yaml, onWritten)
  const [comment, setComment] = useState('')
  const problems = formProblems(form, taken)
  const planned = judged?.plan ?? null
  const isRefused = planned !== null && planned.needsRestart.length > 0
  return (
    <>
      <pre class="code-block" tabIndex={0} aria-label="The device as YAML">
        {shown}
      </pre>
      {shown !== yaml && (
        <p class="quiet">
          The password goes into the gateway’s store of secrets: the configuration names it, and nothing shows it again.
        </p>
      )}
      {drafts.configuration.value !== null && (
        <Notice icon="edit">
          You have a draft of the configuration that is not applied. The device is added to what is in force, not to the
          draft.
        </Notice>
      )}
      {problems.length > 0 && (
        <div class="problems" role="status">
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <ErrorText text={error} />
      {judged !== null && judged.problems.length > 0 && <Mistakes judged={judged} />}
      {planned !== null && <PlanView plan={planned} tense="plan" />}
      {planned === null || isRefused ? (
        <div class="card-foot button-row">
          <Button kind="quiet" icon="download" onClick={() => saveFile(`${form.id}.yaml`, shown, 'application/yaml')}>
            Save the YAML
          </Button>
          <Button kind="primary" disabled={problems.length > 0 || isBusy} onClick={judge}>
            {isBusy ? 'Checking…' : 'Check, and show what would change'}
          </Button>
        </div>
      ) : (
        <form
          class="apply-form"
          onSubmit={(event) => {
            event.preventDefault()
            write(comment === '' ? `Added ${form.id}` : comment)
          }}
        >
          <Field
            label="Why (for the list of revisions)"
            value={comment}
            onInput={setComment}
            maxLength={500}
            hint={`Empty: “Added ${form.id}”`}
          />
          <Button type="submit" kind="primary" disabled={isBusy || problems.length > 0}>
            {isBusy ? 'Writing…' : 'Write it and start the device'}
          </Button>
        </form>
      )}
    </>
  )
}

const PASSWORD = /^password$/i

/** A password is stored, but not shown. */
function shownYaml(form: DeviceForm): string {
  const { config, sensors } = entryOf(form)
  const hidden = JSON.parse(
    JSON.stringify(config, (key, value: unknown) => (PASSWORD.test(key) && value !== '' ? '********' : value)),
  ) as typeof config
  return deviceYaml({ config: hidden, sensors })
}

interface Writing {
  readonly judged: Judged | null
  readonly isBusy: boolean
  readonly error: string | null
  readonly judge: () => void
  readonly write: (comment: string) => void
}

function useWriting(yaml: string, onWritten: (written: Watched) => void): Writing {
  const { api, feed } = useServices()
  const [judged, setJudged] = useState<Judged | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    setJudged(null)
    setError(null)
  }, [yaml])
  const run = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setError(null)
    await work().catch((cause: unknown) => setError(errorMessage(cause)))
    setBusy(false)
  }
  const judge = async (): Promise<void> => {
    const present = await readPresent(api.http)
    const inserted = insertDevice(present.text, yaml)
    if (inserted === null)
      throw new Error('The devices of the configuration stand on one line: save the YAML and put it there by hand.')
    const problems = await check(api.http, inserted.text)
    const planned = problems.length === 0 ? await plan(api.http, inserted.text) : null
    setJudged({ yaml, inserted, etag: present.etag, problems, plan: planned })
  }
  const write = async (comment: string): Promise<void> => {
    try {
      const applied = await apply(api.http, judged!.inserted.text, comment, judged!.etag)
      await feed.refresh()
      onWritten({ revision: applied.revision, until: applied.watchedUntil })
    } catch (cause) {
      if (!(cause instanceof ApiError && cause.code === 'STALE')) throw cause
      await judge()
      throw new Error('Somebody changed the configuration meanwhile. This is the plan for what is in force now.', {
        cause,
      })
    }
  }
  return {
    judged: judged?.yaml === yaml ? judged : null,
    isBusy,
    error,
    judge: () => void run(judge),
    write: (comment) => void run(() => write(comment)),
  }
}

function Mistakes({ judged }: { readonly judged: Judged }): JSX.Element {
  const { problems, inserted } = judged
  return (
    <div role="alert">
      <Notice icon="bad" tone="data">
        <strong>It cannot be written like this:</strong>
        <ul>
          {problems.map(({ line, column, message }) => {
            const isOwn = line >= inserted.from && line <= inserted.to
            return (
              <li key={`${line}:${column} ${message}`}>
                {isOwn ? `Line ${line - inserted.from + 1}` : `Line ${line} of the configuration`}: {message}
              </li>
            )
          })}
        </ul>
      </Notice>
    </div>
  )
}
