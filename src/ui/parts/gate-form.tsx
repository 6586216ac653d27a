// The form of a page that stands before everything else: fields, what went wrong, and the one button.

import { useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import { Button } from './button.tsx'
import { ErrorText } from './field.tsx'

interface GateFormProps {
  readonly action: string
  readonly busyAction: string
  /** What it throws is shown above the button. */
  readonly onSubmit: () => Promise<void>
  readonly children: ComponentChildren
}

export function GateForm({ action, busyAction, children, onSubmit }: GateFormProps): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      await onSubmit()
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isBusy) void run()
      }}
    >
      {children}
      <ErrorText text={error} />
      <Button type="submit" kind="primary" disabled={isBusy}>
        {isBusy ? busyAction : action}
      </Button>
    </form>
  )
}
