// Light, dark, or as the system says.

import type { JSX } from 'preact'
import { THEMES, type Theme, type ThemeChoice } from '../state/theme.ts'
import { IconButton } from './button.tsx'
import type { IconName } from './icon.tsx'

const THEME_ICONS: Readonly<Record<ThemeChoice, IconName>> = { auto: 'halfMoon', light: 'sun', dark: 'moon' }

/** Goes round: as the system says, light, dark. */
export function ThemeButton({ theme }: { readonly theme: Theme }): JSX.Element {
  const choice = theme.choice.value
  const next = THEMES[(THEMES.indexOf(choice) + 1) % THEMES.length]!
  return (
    <IconButton
      icon={THEME_ICONS[choice]}
      label={`Colours: ${choice}. Change to ${next}`}
      onClick={() => theme.choose(next)}
    />
  )
}
