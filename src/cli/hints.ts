// What to do about an error, for those where a person at the terminal can do something.

import type { ErrorCode } from '#domain/errors.ts'

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  CONFIG_UNREADABLE:
    'name another file with -c, or begin with a copy of one from config/examples; `telemetryx demo` shows a plant without any',
  PORT_IN_USE: 'stop the program that uses it, or choose another port in the configuration',
  STORE_LOCKED: 'stop the other gateway, or give this one a data folder of its own',
  STORE_FULL: 'make room on the disk, or lower store.maxSize',
  INTERNAL: 'this is a fault in TelemetryX: run it again with --debug and report what it prints',
}

/** ` (hint)`, or nothing. */
export function hintOf(code: ErrorCode): string {
  const hint = HINTS[code]
  return hint === undefined ? '' : ` (${hint})`
}
