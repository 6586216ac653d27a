// Client for Node programs: hands readings and events to a TelemetryX gateway. See README.md.

export type Severity = 'debug' | 'info' | 'warning' | 'error'

export interface Metric {
  /** The sensor's `field` in the gateway's configuration; by default its id. */
  readonly sensor: string
  /** null: there is none; the reading is bad. A bigint is sent as a decimal string. */
  readonly value: number | boolean | string | bigint | null
  /** Default: now. */
  readonly time?: Date | number
}

export interface CollectedEvent {
  /** Default: info. */
  readonly severity?: Severity
  readonly message: string
  /** Stable word for programs; default: application. */
  readonly type?: string
  /** Default: now. */
  readonly time?: Date | number
  readonly data?: Readonly<Record<string, unknown>>
}

export interface CollectorOptions {
  /** Of the gateway, for example `http://127.0.0.1:8080`. */
  readonly url: string
  /** Id of an http device. */
  readonly device: string
  /** API token with the role operator; not needed with `http.auth: none`. */
  readonly token?: string
  /** JSON-lines file for what cannot be sent; it is sent later, in order, also after a restart. Default: memory only. One program for each file. */
  readonly file?: string
  /** Longest wait before a batch is sent, ms. Default 1000. */
  readonly intervalMs?: number
  /** Entries in one request. Default 500. */
  readonly batchSize?: number
  /** Entries in memory; beyond it the oldest are given up. Default 10,000. */
  readonly maxBuffered?: number
  /** Size of the file; beyond it what comes is given up. Default 64 MiB. */
  readonly maxFileBytes?: number
  /** First and longest delay after a failure, ms; between them exponential with full jitter. Default 1000 and 30,000. */
  readonly retry?: { readonly firstMs?: number; readonly maxMs?: number }
  /** Longest wait for an answer, ms. Default 30,000. */
  readonly timeoutMs?: number
}

export interface CollectorEvents {
  /** The gateway has so many entries durably. */
  sent: { readonly count: number }
  /** A request failed and will be repeated. `status` is null when there was no answer. */
  failed: { readonly status: number | null; readonly message: string }
  /** The gateway does not take this entry, whatever happens: it is given up. */
  rejected: { readonly entry: unknown; readonly message: string }
  /** Entries were given up because memory or file was full, or at close without a file. */
  dropped: { readonly count: number }
}

export interface Collector {
  /** Takes a metric or an event; returns at once. Throws TypeError when it is malformed, Error after close. */
  (entry: { readonly metric: Metric } | { readonly event: CollectedEvent }): void
  metric(metric: Metric): void
  event(event: CollectedEvent): void
  /** Returns what removes the listener. Listeners that throw are ignored. */
  on<K extends keyof CollectorEvents>(name: K, listener: (detail: CollectorEvents[K]) => void): () => void
  /** Entries that are not sent yet, in memory (those in the file are not counted). */
  readonly buffered: number
  /** Sends now. Resolves with true when everything so far was taken, false when it has to be repeated later. */
  flush(): Promise<boolean>
  /** Sends what is left, or keeps it in the file. Safe to call twice. */
  close(): Promise<void>
}

/** Makes a collector; the first request goes out with the first batch. Throws TypeError for wrong options. */
export function createCollector(options: CollectorOptions): Collector
