// What brain and central tell the service manager that started them: that they serve, that the main loop turns, that they stop. The
// gateway tells more (src/gateway/service-reports.ts).

import { serviceManager } from '#gateway/service-manager.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock, Timer } from '#kit/clock.ts'

/** Pings per watchdog time: some may come late. */
const PINGS = 4

export interface ServiceMessages {
  /** It serves; from now on the watchdog hears that the main loop turns. */
  ready(): void
  /** The last message. Resolves when it has been taken. */
  stopping(): Promise<void>
}

/** Says nothing when no service manager started this process. */
export function serviceMessages(env: NodeJS.ProcessEnv, log: Log, clock: Clock): ServiceMessages {
  const manager = serviceManager(env, log)
  if (manager === null) return { ready: () => {}, stopping: () => Promise.resolve() }
  let timer: Timer | null = null
  const ping = (everyMs: number): void => {
    timer = clock.after(everyMs, () => {
      void manager.alive('Running')
      ping(everyMs)
    })
  }
  return {
    ready: () => {
      void manager.ready('Running')
      if (manager.watchdogMs !== null) ping(manager.watchdogMs / PINGS)
    },
    stopping: () => {
      timer?.cancel()
      return manager.stopping()
    },
  }
}
