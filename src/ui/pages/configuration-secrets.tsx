// Passwords and tokens that the configuration names: stored, replaced, deleted, and never shown.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { reloadFile } from '../client/configuration.ts'
import { ApiError, errorMessage } from '../client/http.ts'
import { deleteSecret, putSecret, readSecrets, type Secret } from '../client/secrets.ts'
import { formatMoment } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { useServices } from '../state/services.ts'
import { useWork } from './use-work.ts'

interface SecretsProps {
  /** In force: another may have stored some. */
  readonly revision: number
  /** What runs has taken up another value. */
  readonly onTaken: () => void
}

type Open = { readonly what: 'add' } | { readonly what: 'replace' | 'delete'; readonly secret: Secret }

export function Secrets({ revision, onTaken }: SecretsProps): JSX.Element {
  const { api } = useServices()
  const [secrets, setSecrets] = useState<readonly Secret[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [open, setOpen] = useState<Open | null>(null)
  const [replaced, setReplaced] = useState<Secret | null>(null)
  const load = (): void => {
    readSecrets(api.http).then(setSecrets, (cause: unknown) => setError(errorMessage(cause)))
  }
  useEffect(load, [revision])
  const close = (): void => {
    setOpen(null)
    load()
  }
  return (
    <Card
      title="Secrets"
      aside={
        <Button icon="add" onClick={() => setOpen({ what: 'add' })}>
          Store a secret
        </Button>
      }
    >
      <p class="quiet">
        A password or token that you write out above is stored here when you apply, and the text names it as{' '}
        <code>{'${secret:NAME}'}</code>. A value is never shown again.
      </p>
      <ErrorText text={error} />
      {replaced !== null && (
        <TakeUp
          secret={replaced}
          onDone={() => {
            setReplaced(null)
            onTaken()
          }}
        />
      )}
      {secrets !== null && secrets.length > 0 && <SecretTable secrets={secrets} onOpen={setOpen} />}
      {open?.what === 'add' && <PutDialog secret={null} onDone={close} onClose={() => setOpen(null)} />}
      {open?.what === 'replace' && (
        <PutDialog
          secret={open.secret}
          onDone={() => {
            if (open.secret.usedBy.length > 0) setReplaced(open.secret)
            close()
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.what === 'delete' && <DeleteDialog secret={open.secret} onDone={close} onClose={() => setOpen(null)} />}
    </Card>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Name' },
  { key: 'used', head: 'Read by' },
  { key: 'stored', head: 'Stored' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface SecretTableProps {
  readonly secrets: readonly Secret[]
  readonly onOpen: (open: Open) => void
}

function SecretTable({ secrets, onOpen }: SecretTableProps): JSX.Element {
  const { now } = useFrame()
  return (
    <Table caption="Secrets" columns={COLUMNS}>
      {secrets.map((secret) => (
        <tr key={secret.name}>
          <HeadCell>
            <span class="id breakable">{secret.name}</span>
          </HeadCell>
          <Cell head="Read by">
            <span class="breakable">{secret.usedBy.length === 0 ? 'Nothing' : secret.usedBy.join(', ')}</span>
          </Cell>
          <Cell head="Stored">{formatMoment(secret.changedAt, now.peek())}</Cell>
          <Cell head="Do" align="end">
            {secret.from === 'credential' ? (
              'Given by the service'
            ) : (
              <div class="button-row">
                <Button label={`Replace ${secret.name}`} onClick={() => onOpen({ what: 'replace', secret })}>
                  Replace
                </Button>
                <Button
                  label={`Delete ${secret.name}`}
                  disabled={secret.usedBy.length > 0}
                  onClick={() => onOpen({ what: 'delete', secret })}
                >
                  Delete
                </Button>
              </div>
            )}
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

interface DialogProps {
  readonly onDone: () => void
  readonly onClose: () => void
}

/** `secret`: to be replaced; null: a new one. */
function PutDialog({ secret, onDone, onClose }: DialogProps & { readonly secret: Secret | null }): JSX.Element {
  const { api } = useServices()
  const [name, setName] = useState(secret?.name ?? '')
  const [value, setValue] = useState('')
  const { isBusy, error, run } = useWork(() => putSecret(api.http, name.trim(), value), onDone)
  return (
    <Dialog
      title={secret === null ? 'Store a secret' : `Replace ${secret.name}`}
      action={secret === null ? 'Store it' : 'Replace it'}
      onAction={run}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      {secret === null && (
        <Field label="Name" value={name} onInput={setName} required autofocus hint="Letters, digits and _ . -" />
      )}
      <Field
        label="Secret"
        type="password"
        autocomplete="new-password"
        value={value}
        onInput={setValue}
        required
        hint="It is stored, and cannot be shown again."
      />
    </Dialog>
  )
}

function DeleteDialog({ secret, onDone, onClose }: DialogProps & { readonly secret: Secret }): JSX.Element {
  const { api } = useServices()
  const [isNeeded, setNeeded] = useState(false)
  const remove = (): Promise<void> =>
    deleteSecret(api.http, secret.name, isNeeded).catch((cause: unknown) => {
      if (cause instanceof ApiError && cause.code === 'CONFLICT') setNeeded(true)
      throw cause
    })
  const { isBusy, error, run } = useWork(remove, onDone)
  return (
    <Dialog
      title={`Delete ${secret.name}?`}
      action={isNeeded ? 'Delete it all the same' : 'Delete'}
      onAction={run}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <p>Nothing in the configuration reads it. Once deleted, nobody can bring it back.</p>
    </Dialog>
  )
}

function TakeUp({ secret, onDone }: { readonly secret: Secret; readonly onDone: () => void }): JSX.Element {
  const { api } = useServices()
  const { isBusy, error, run } = useWork(() => reloadFile(api.http).then(() => undefined), onDone)
  return (
    <Notice icon="restart">
      <p>
        <strong>{secret.name} is replaced.</strong> What reads it goes on with the old value until it is taken up; then
        it restarts.
      </p>
      <Button onClick={run} disabled={isBusy}>
        Take it up now
      </Button>
      <ErrorText text={error} />
    </Notice>
  )
}
