// Log lines for journald: "<N>" before each says its priority (sd-daemon(3)), so that `journalctl -p warning` finds warnings.

import { fstatSync } from 'node:fs'
import type { DestinationStream } from 'pino'

const PRIORITIES: ReadonlyMap<string, string> = new Map([
  ['fatal', '<2>'],
  ['error', '<3>'],
  ['warn', '<4>'],
  ['info', '<6>'],
  ['debug', '<7>'],
  ['trace', '<7>'],
])
const LEVEL = /^\{"level":"(\w+)"/

/** `destination` with priorities when standard error goes to journald (JOURNAL_STREAM names it), else unchanged. */
export function withPriorities(destination: DestinationStream, env: NodeJS.ProcessEnv): DestinationStream {
  if (!isJournal(env['JOURNAL_STREAM'])) return destination
  return {
    write: (line) => destination.write(`${PRIORITIES.get(LEVEL.exec(line)?.[1] ?? '') ?? '<6>'}${line}`),
  }
}

/** `stream`: device and inode of the stream to journald, "8:1234". */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false
  try {
    const { dev, ino } = fstatSync(2, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false // standard error is closed
  }
}
