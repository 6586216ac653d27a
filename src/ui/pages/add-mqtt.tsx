// Sensors that publish to a broker: which broker, which topic, and where in a message the value stands.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { SuggestedDevice } from '../client/scan.ts'
import { Button } from '../parts/button.tsx'
import { Choice, ErrorText, Field } from '../parts/field.tsx'

const PAYLOADS = [
  { key: 'number', text: 'Just a number' },
  { key: 'json', text: 'JSON' },
] as const

export function AddMqtt({ onFound }: { readonly onFound: (device: SuggestedDevice) => void }): JSX.Element {
  const [url, setUrl] = useState('mqtt://')
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const [topics, setTopics] = useState('')
  const [payload, setPayload] = useState<'number' | 'json'>('number')
  const [path, setPath] = useState('$.value')
  const [problem, setProblem] = useState<string | null>(null)
  const take = (): void => {
    const given = topics
      .split(/[\s,]+/)
      .map((topic) => topic.trim())
      .filter((topic) => topic !== '')
    const isUrl = /^(mqtts?|wss?):\/\/[^\s/]+/.test(url.trim())
    setProblem(
      !isUrl ? 'A broker is like mqtt://192.0.2.30:1883' : given.length === 0 ? 'Write at least one topic.' : null,
    )
    if (!isUrl || given.length === 0) return
    const connection = { url: url.trim() }
    onFound({
      config: {
        id: 'mqtt',
        driver: 'mqtt',
        connection: user === '' ? connection : { ...connection, username: user, password },
      },
      title: '',
      sensors: given.map((topic) => ({
        config: { id: idOf(topic), topic, ...(payload === 'number' ? { payload } : { value: path }) },
        value: null,
        alternatives: [],
      })),
      left: 0,
      notes: [],
    })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        take()
      }}
    >
      <div class="filter-form">
        <Field label="Broker" value={url} onInput={setUrl} autofocus required maxLength={1024} />
        <Field label="User (if it asks for one)" value={user} onInput={setUser} maxLength={256} />
        <Field label="Password" type="password" value={password} onInput={setPassword} />
      </div>
      <Field
        label="Topics, one sensor for each"
        value={topics}
        onInput={setTopics}
        hint="For example: hall/press-1/temperature, hall/press-1/pressure"
        required
      />
      <Choice label="What a message holds" value={payload} options={PAYLOADS} onChoose={setPayload} />
      {payload === 'json' && (
        <Field label="Where the value stands in it" value={path} onInput={setPath} hint="For example: $.value" />
      )}
      <ErrorText text={problem} />
      <div class="card-foot">
        <Button type="submit" icon="add">
          Take these
        </Button>
      </div>
    </form>
  )
}

/** The last level that is a name. */
function idOf(topic: string): string {
  const name = topic.split('/').findLast((level) => /[a-z0-9]/i.test(level)) ?? topic
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
  return id === '' ? 'value' : id
}
