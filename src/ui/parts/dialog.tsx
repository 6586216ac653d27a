// A modal question. The browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.

import { useEffect, useId, useRef } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { Button } from './button.tsx'
import { ErrorText } from './field.tsx'

interface DialogProps {
  readonly title: string
  readonly children: ComponentChildren
  /** Text of the button that does it: a verb. */
  readonly action: string
  readonly onAction: () => void
  readonly onClose: () => void
  readonly isBusy?: boolean
  readonly error?: string | null
  /** Text of the button that does not. */
  readonly dismiss?: string
}

export function Dialog({
  title,
  children,
  action,
  onAction,
  onClose,
  isBusy = false,
  error = null,
  dismiss = 'Cancel',
}: DialogProps): JSX.Element {
  const root = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const dialog = root.current!
    dialog.showModal()
    return () => dialog.close()
  }, [])
  const submit = (event: Event): void => {
    event.preventDefault()
    if (!isBusy) onAction()
  }
  const cancel = (event: Event): void => {
    event.preventDefault()
    onClose()
  }
  return (
    <dialog ref={root} class="dialog" aria-labelledby={heading} onCancel={cancel}>
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        <div class="dialog-body">{children}</div>
        <ErrorText text={error} />
        <div class="dialog-foot">
          <Button onClick={onClose}>{dismiss}</Button>
          <Button type="submit" kind="primary" disabled={isBusy}>
            {isBusy ? 'Working…' : action}
          </Button>
        </div>
      </form>
    </dialog>
  )
}
