// Buttons and links that look like buttons; and the link that stays within the page.

import type { ComponentChildren, JSX } from 'preact'
import { useFrame } from '../state/frame.ts'
import { Icon, type IconName } from './icon.tsx'

interface ButtonProps {
  readonly children: ComponentChildren
  readonly onClick?: () => void
  readonly kind?: 'primary' | 'plain' | 'quiet'
  readonly type?: 'button' | 'submit'
  readonly icon?: IconName
  readonly disabled?: boolean
  /** Why it is disabled, or what it does. */
  readonly title?: string
  /** Said by screen readers instead of the text: `Acknowledge Press 1, Oil temperature`. */
  readonly label?: string
}

export function Button({
  children,
  onClick,
  kind = 'plain',
  type = 'button',
  icon,
  disabled,
  title,
  label,
}: ButtonProps): JSX.Element {
  return (
    <button
      class={`button button-${kind}`}
      type={type}
      onClick={onClick}
      disabled={disabled}
      title={title}
      aria-label={label}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  )
}

interface IconButtonProps {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly disabled?: boolean
}

export function IconButton({ icon, label, onClick, disabled }: IconButtonProps): JSX.Element {
  return (
    <button
      class="button button-icon"
      type="button"
      onClick={onClick}
      disabled={disabled}
      aria-label={label}
      title={label}
    >
      <Icon name={icon} />
    </button>
  )
}

interface LinkProps {
  readonly to: string
  readonly children: ComponentChildren
  readonly class?: string
  readonly current?: boolean
}

/** A real link: opens in a new tab when asked to, else changes the page without loading it anew. */
export function Link({ to, children, class: className, current }: LinkProps): JSX.Element {
  const { router } = useFrame()
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    router.go(to)
  }
  return (
    <a href={to} class={className} onClick={onClick} aria-current={current === true ? 'page' : undefined}>
      {children}
    </a>
  )
}

interface SegmentsProps<T extends string> {
  readonly label: string
  readonly options: readonly { readonly key: T; readonly text: string; readonly words?: string }[]
  readonly selected: T | null
  readonly onSelect: (key: T) => void
}

/** A row of buttons of which one is pressed. */
export function Segments<T extends string>({ label, options, selected, onSelect }: SegmentsProps<T>): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(({ key, text, words }) => (
        <button key={key} type="button" aria-pressed={key === selected} onClick={() => onSelect(key)}>
          <span aria-hidden={words !== undefined}>{text}</span>
          {words !== undefined && <span class="sr-only">{words}</span>}
        </button>
      ))}
    </div>
  )
}
