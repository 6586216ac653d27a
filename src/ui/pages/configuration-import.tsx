// Sensors from a spreadsheet: the list is judged by the device's driver, shown as YAML, and put into the draft. Nothing is applied here.

import { useId, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { importSensors, readPresent, type Imported } from '../client/configuration.ts'
import { errorMessage } from '../client/http.ts'
import { insertSensors } from '../editor/insert-sensors.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { ErrorText, Select } from '../parts/field.tsx'
import { saveFile } from '../parts/save-file.ts'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'

const LEAD =
  'One line for each sensor, the keys of the configuration as column heads: id, address, unit, scale.factor, checks.threshold.high, … ' +
  'Commas, semicolons and tabs are understood.'

export function ImportPage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page title="Import sensors" lead={<p>{LEAD}</p>}>
      <SystemTabs current="import" />
      {plant.may('engineer') ? (
        <Import />
      ) : (
        <EmptyState title="Imports are for engineers" icon="user">
          <p>Sign in as an engineer or an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Import(): JSX.Element {
  const { api, plant, drafts, router } = useServices()
  const devices = plant.devices.value.map(({ id, driver }) => ({ key: id, text: `${id} (${driver})` }))
  const [device, setDevice] = useState<string | null>(null)
  const [csv, setCsv] = useState('')
  const [imported, setImported] = useState<Imported | null>(null)
  const [error, setError] = useState<string | null>(null)
  const chosen = device ?? devices[0]?.key ?? ''
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setError(null)
    await work().catch((cause: unknown) => setError(errorMessage(cause)))
  }
  const change = (text: string): void => {
    setCsv(text)
    setImported(null)
  }
  const addToDraft = async (yaml: string): Promise<void> => {
    const present = await readPresent(api.http)
    const draft = drafts.configuration.peek()
    const base = draft?.base ?? { text: present.text, etag: present.etag, revision: present.revision.number }
    const text = insertSensors(draft?.text ?? base.text, chosen, yaml)
    if (text === null)
      throw new Error(
        `The sensors of ${chosen} do not stand as a list of their own lines: save the YAML and paste it where it belongs.`,
      )
    drafts.configuration.value = { text, base }
    router.go('/configuration')
  }
  if (devices.length === 0)
    return (
      <EmptyState title="There is no device yet" icon="devices">
        <p>Its driver judges the columns.</p>
        <p class="empty-do">
          <Link to="/configuration/add" class="button button-primary">
            Add the first device
          </Link>
        </p>
      </EmptyState>
    )
  return (
    <>
      <Card title="The list">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void attempt(async () => setImported(await importSensors(api.http, chosen, csv)))
          }}
        >
          <Select
            label="Device"
            value={chosen}
            options={devices}
            onChoose={(key) => {
              setDevice(key)
              setImported(null)
            }}
          />
          <CsvField value={csv} onInput={change} />
          <ErrorText text={error} />
          <div class="card-foot button-row">
            <Button type="submit" kind={imported === null ? 'primary' : 'plain'} disabled={csv.trim() === ''}>
              Preview
            </Button>
          </div>
        </form>
      </Card>
      {imported !== null && (
        <Preview
          imported={imported}
          device={chosen}
          csv={csv}
          onAdd={() => void attempt(() => addToDraft(imported.yaml))}
        />
      )}
    </>
  )
}

function CsvField({
  value,
  onInput,
}: {
  readonly value: string
  readonly onInput: (text: string) => void
}): JSX.Element {
  const id = useId()
  return (
    <>
      <div class="field">
        <label for={`${id}-file`}>A CSV file</label>
        <input
          id={`${id}-file`}
          type="file"
          accept=".csv,.txt,text/csv"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0]
            if (file !== undefined) void file.text().then(onInput)
          }}
        />
      </div>
      <div class="field">
        <label for={id}>or its text</label>
        <textarea
          id={id}
          class="code-area"
          rows={10}
          spellcheck={false}
          placeholder={'id,address,unit\npump-pressure,7,bar'}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </div>
    </>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'line', head: 'Line', isNarrow: true },
  { key: 'column', head: 'Column', isNarrow: true },
  { key: 'message', head: 'What is wrong' },
  { key: 'text', head: 'The line' },
]

interface PreviewProps {
  readonly imported: Imported
  readonly device: string
  readonly csv: string
  readonly onAdd: () => void
}

function Preview({ imported, device, csv, onAdd }: PreviewProps): JSX.Element {
  const { problems, count, yaml } = imported
  const lines = csv.split(/\r?\n/)
  if (problems.length > 0)
    return (
      <Card title={`${counted(problems.length, 'mistake')} in the list`}>
        <Table caption="Mistakes in the list" columns={COLUMNS}>
          {problems.map(({ line, column, message }) => (
            <tr key={`${line}:${column} ${message}`}>
              <HeadCell>Line {line}</HeadCell>
              <Cell head="Column">{column}</Cell>
              <Cell head="What is wrong" isWide>
                {message}
              </Cell>
              <Cell head="The line" isWide>
                <code>{lines[line - 1] ?? ''}</code>
              </Cell>
            </tr>
          ))}
        </Table>
      </Card>
    )
  return (
    <Card title={`${counted(count, 'sensor')} for ${device}`}>
      <pre class="code-block" tabIndex={0} aria-label="The sensors as YAML">
        {yaml}
      </pre>
      <Notice icon="edit">
        They go into the draft of the configuration; nothing changes before the draft is applied.
      </Notice>
      <div class="card-foot button-row">
        <Button icon="download" onClick={() => saveFile(`${device}-sensors.yaml`, yaml, 'application/yaml')}>
          Save the YAML
        </Button>
        <Button kind="primary" icon="add" onClick={onAdd}>
          Add to the draft
        </Button>
      </div>
    </Card>
  )
}
