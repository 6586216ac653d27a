// Light, dark, or as the system says; kept in this browser.

import { signal } from '@preact/signals'

export const THEMES = ['auto', 'light', 'dark'] as const
export type ThemeChoice = (typeof THEMES)[number]

const KEY = 'telemetryx-theme'

export class Theme {
  readonly choice = signal<ThemeChoice>(stored())
  /** What is shown now; charts draw anew when it changes. */
  readonly isDark = signal(false)
  readonly #system = matchMedia('(prefers-color-scheme: dark)')

  constructor() {
    this.#system.addEventListener('change', () => this.#apply())
    this.#apply()
  }

  choose(choice: ThemeChoice): void {
    this.choice.value = choice
    try {
      localStorage.setItem(KEY, choice)
    } catch {
      // Storage may be forbidden; the choice then lasts until the page is closed.
    }
    this.#apply()
  }

  #apply(): void {
    const choice = this.choice.peek()
    if (choice === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = choice
    this.isDark.value = choice === 'auto' ? this.#system.matches : choice === 'dark'
  }
}

function stored(): ThemeChoice {
  try {
    const text = localStorage.getItem(KEY)
    return THEMES.find((theme) => theme === text) ?? 'auto'
  } catch {
    return 'auto'
  }
}
