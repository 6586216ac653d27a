// Memory that V8 holds without using it. It collects when it wants to allocate much, which a gateway at work hardly does.

/**
 * Collects now and gives freed pages back, on this thread: measured 32 ms for 19 MB of live objects, 80 ms for 43 MB, 140 ms for 110 MB. Does nothing
 * without --expose-gc, which the launcher sets.
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
