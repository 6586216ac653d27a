// A new token: what it may and for how long; then its text, this once.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { makeToken } from '../client/accounts.ts'
import type { Role } from '../client/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Select } from '../parts/field.tsx'
import { useServices } from '../state/services.ts'
import { ROLE_OPTIONS } from './users-roles.ts'
import { useWork } from './use-work.ts'

const LIFETIMES = [
  { key: '30d', text: '30 days' },
  { key: '90d', text: '90 days' },
  { key: '365d', text: '1 year' },
  { key: 'never', text: 'It never ends' },
] as const

/** A role, or less than any: to hand in readings. */
type Power = Role | 'ingest'

const POWERS: readonly { readonly key: Power; readonly text: string }[] = [
  ...ROLE_OPTIONS,
  { key: 'ingest', text: 'Hands in readings, and nothing else' },
]

export function TokenDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { api } = useServices()
  const [name, setName] = useState('')
  const [power, setPower] = useState<Power>('viewer')
  const [devices, setDevices] = useState('')
  const [lifetime, setLifetime] = useState<(typeof LIFETIMES)[number]['key']>('90d')
  const [text, setText] = useState<string | null>(null)
  const make = async (): Promise<void> => {
    const may =
      power === 'ingest'
        ? { role: 'operator' as const, ingest: devices.split(/[\s,]+/).filter((id) => id !== '') }
        : { role: power, ingest: null }
    setText(await makeToken(api.http, { name, ...may, expiresIn: lifetime === 'never' ? null : lifetime }))
  }
  const { isBusy, error, run } = useWork(make, () => undefined)
  if (text !== null)
    return (
      <Dialog title={`The token of ${name}`} action="Done" dismiss="Close" onAction={onClose} onClose={onClose}>
        <p>Copy it now: the gateway keeps only what it needs to recognise it, and cannot show it again.</p>
        <pre class="code-block token-text" tabIndex={0} aria-label="Token">
          {text}
        </pre>
        <p class="quiet">A program sends it as the header “Authorization: Bearer …”.</p>
      </Dialog>
    )
  return (
    <Dialog title="Make a token" action="Make it" onAction={run} onClose={onClose} isBusy={isBusy} error={error}>
      <Field
        label="Name of the program"
        value={name}
        onInput={setName}
        required
        autofocus
        hint="Letters, digits and . _ @ -"
      />
      <Select label="May do what this role may" value={power} options={POWERS} onChoose={setPower} />
      {power === 'ingest' && (
        <Field
          label="For these devices"
          value={devices}
          onInput={setDevices}
          required
          hint="Ids, with commas between"
        />
      )}
      <Select label="Ends after" value={lifetime} options={LIFETIMES} onChoose={setLifetime} />
    </Dialog>
  )
}
