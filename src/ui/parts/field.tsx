// Fields of forms, each with its label, and the text that says what went wrong.

import { useId } from 'preact/hooks'
import type { JSX } from 'preact'
import { Icon } from './icon.tsx'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly type?: 'text' | 'password' | 'datetime-local'
  readonly hint?: string
  readonly autocomplete?: string
  readonly inputMode?: 'text' | 'decimal' | 'numeric'
  readonly autofocus?: boolean
  readonly required?: boolean
  readonly maxLength?: number
}

export function Field(props: FieldProps): JSX.Element {
  const id = useId()
  const hintId = `${id}-hint`
  const attributes = {
    id,
    value: props.value,
    onInput: (event: InputEvent & { readonly currentTarget: HTMLInputElement }) =>
      props.onInput(event.currentTarget.value),
    autocomplete: props.autocomplete ?? 'off',
    autofocus: props.autofocus,
    required: props.required,
    maxLength: props.maxLength,
    'aria-describedby': props.hint === undefined ? undefined : hintId,
  }
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.type === 'password' ? (
        <input type="password" {...attributes} />
      ) : props.type === 'datetime-local' ? (
        <input type="datetime-local" step={1} {...attributes} />
      ) : (
        <input type="text" inputMode={props.inputMode} {...attributes} />
      )}
      {props.hint !== undefined && (
        <p class="hint" id={hintId}>
          {props.hint}
        </p>
      )}
    </div>
  )
}

interface SelectProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly key: T; readonly text: string }[]
  readonly onChoose: (key: T) => void
}

/** One of many. */
export function Select<T extends string>({ label, value, options, onChoose }: SelectProps<T>): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options[event.currentTarget.selectedIndex]
          if (chosen !== undefined) onChoose(chosen.key)
        }}
      >
        {options.map(({ key, text }) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}

interface ChoiceProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly key: T; readonly text: string }[]
  readonly onChoose: (key: T) => void
}

/** One of a few, all of them in sight. */
export function Choice<T extends string>({ label, value, options, onChoose }: ChoiceProps<T>): JSX.Element {
  const name = useId()
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map(({ key, text }) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === value} onChange={() => onChoose(key)} />
          {text}
        </label>
      ))}
    </fieldset>
  )
}

/** What went wrong, said at once by screen readers. */
export function ErrorText({ text }: { readonly text: string | null }): JSX.Element {
  return (
    <div role="alert" class="error-slot">
      {text !== null && (
        <p class="error-text">
          <Icon name="bad" />
          {text}
        </p>
      )}
    </div>
  )
}
