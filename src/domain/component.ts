// Lifecycle shared by everything that the composition root starts and stops.

export type ComponentState = 'created' | 'starting' | 'running' | 'draining' | 'stopped' | 'failed'

/** A part of the gateway with a life of its own. Constructors do no I/O; `start` does. */
export interface Component {
  readonly name: string
  /** Resolves when the part works; must not wait for a device, broker or server to be reachable. */
  start(signal: AbortSignal): Promise<void>
  /** Ends the part without losing anything; when `signal` aborts, at once. Safe to call twice. */
  stop(signal: AbortSignal): Promise<void>
}

/** One reason why the gateway is not fully healthy, for /readyz and the dashboard. */
export interface HealthReason {
  /** Stable word: `ring-blocked`, `store-failing`, `device-down`, … */
  readonly code: string
  readonly message: string
  /** True when the gateway cannot do its main job because of it (readyz answers 503). */
  readonly blocking: boolean
}
