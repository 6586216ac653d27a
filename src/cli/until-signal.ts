// Waits for the word to stop: SIGINT, SIGTERM, or the launcher's end. A second signal ends the process at once.

import type { Clock } from '#kit/clock.ts'

/** A terminal's Ctrl-C reaches the launcher and us, and the launcher passes it on: within this time it is one signal. */
const SAME_SIGNAL_MS = 500

/** Resolves with the signal's name on the first one. */
export function untilSignal(clock: Clock): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let askedAt: number | null = null
    const onSignal = (signal: NodeJS.Signals): void => {
      if (askedAt !== null && clock.monotonic() - askedAt > SAME_SIGNAL_MS)
        process.exit(signal === 'SIGINT' ? 130 : 143)
      askedAt ??= clock.monotonic()
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    // The launcher holds a channel to us when it runs on another Node: a closed channel means that it was killed.
    if (process.channel) {
      process.on('disconnect', () => onSignal('SIGTERM'))
      process.channel.unref()
    }
  })
}
