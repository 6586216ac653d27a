// Changing one's own password.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { useWork } from './use-work.ts'

interface PasswordCardProps {
  readonly change: (current: string, password: string) => Promise<void>
  /** What else the change does, in a sentence. */
  readonly note: string
  readonly onChanged: () => void
}

export function PasswordCard({ change, note, onChanged }: PasswordCardProps): JSX.Element {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [repeated, setRepeated] = useState('')
  const [isChanged, setChanged] = useState(false)
  const { isBusy, error, run } = useWork(
    async () => {
      setChanged(false)
      if (password !== repeated) throw new Error('The two passwords differ.')
      await change(current, password)
    },
    () => {
      for (const clear of [setCurrent, setPassword, setRepeated]) clear('')
      setChanged(true)
      onChanged()
    },
  )
  return (
    <Card title="Change your password">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isBusy) run()
        }}
      >
        <Field
          label="Present password"
          type="password"
          autocomplete="current-password"
          value={current}
          onInput={setCurrent}
          required
        />
        <Field
          label="New password"
          type="password"
          autocomplete="new-password"
          value={password}
          onInput={setPassword}
          required
          hint={`At least 10 characters. ${note}`}
        />
        <Field
          label="New password again"
          type="password"
          autocomplete="new-password"
          value={repeated}
          onInput={setRepeated}
          required
        />
        <ErrorText text={error} />
        <p role="status">{isChanged ? 'Your password is changed.' : ''}</p>
        <div class="card-foot">
          <Button type="submit" kind="primary" disabled={isBusy}>
            {isBusy ? 'Working…' : 'Change it'}
          </Button>
        </div>
      </form>
    </Card>
  )
}
