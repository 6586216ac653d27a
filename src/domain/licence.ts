// A part of the installation that others wrote.

export interface Licence {
  readonly name: string
  readonly version: string
  /** SPDX expression where its package gives one. */
  readonly license: string
}
