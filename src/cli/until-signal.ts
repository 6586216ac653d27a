// Waits for the word to stop: SIGINT, SIGTERM, or the launcher's end. A second signal ends the process at once.

/** Resolves with the signal's name on the first one. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
      asked = true
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
