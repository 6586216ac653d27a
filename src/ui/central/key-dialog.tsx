// A new key for one gateway: which, and for how long; then its text, this once.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { useWork } from '../pages/use-work.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Select } from '../parts/field.tsx'
import { UplinkYaml } from './fleet.tsx'
import { useCentral } from './services.ts'

const LIFETIMES = [
  { key: 'never', text: 'It never ends' },
  { key: '90d', text: '90 days' },
  { key: '365d', text: '1 year' },
] as const

export function KeyDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { api } = useCentral()
  const [gateway, setGateway] = useState('')
  const [lifetime, setLifetime] = useState<(typeof LIFETIMES)[number]['key']>('never')
  const [text, setText] = useState<string | null>(null)
  const { isBusy, error, run } = useWork(
    async () => setText(await api.makeKey(gateway.trim(), lifetime === 'never' ? null : lifetime)),
    () => undefined,
  )
  if (text !== null)
    return (
      <Dialog title={`The key of ${gateway.trim()}`} action="Done" dismiss="Close" onAction={onClose} onClose={onClose}>
        <p>Copy it now: central keeps only what it needs to recognise it, and cannot show it again.</p>
        <pre class="code-block token-text" tabIndex={0} aria-label="Key">
          {text}
        </pre>
        <p>
          Give it to the gateway as <code>CENTRAL_TOKEN</code>, with this in its configuration:
        </p>
        <UplinkYaml />
      </Dialog>
    )
  return (
    <Dialog
      title="Make a key for a gateway"
      action="Make it"
      onAction={run}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <Field
        label="Id of the gateway"
        value={gateway}
        onInput={setGateway}
        required
        autofocus
        maxLength={64}
        hint="As in its gateway.yaml: lower-case letters, digits, - and _"
      />
      <Select label="Ends after" value={lifetime} options={LIFETIMES} onChoose={setLifetime} />
    </Dialog>
  )
}
