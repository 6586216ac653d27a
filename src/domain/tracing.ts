// The tracing port: what a part of the program did for one batch or request, under the id that came with it (W3C Trace Context).

/** Where a span stands (OpenTelemetry, SpanKind). */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal'

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanOptions {
  readonly kind: SpanKind
  /** W3C traceparent of whoever asked; null: a trace begins here. */
  readonly parent: string | null
  readonly attributes?: SpanAttributes
}

export interface Span {
  /** To pass on: this span as a parent. null: nobody began a trace. */
  readonly traceparent: string | null
  set(attribute: string, value: string | number | boolean): void
  /** Something that happened in it, now: a wait, another try. */
  event(name: string, attributes?: SpanAttributes): void
  /** It failed although nothing was thrown. `type`: a code of docs/errors.md, `message` for people. */
  fail(type: string, message: string): void
}

/** What is over already, and whose ids are known to others. */
export interface PastSpan {
  /** Its own ids; it has no parent. */
  readonly traceparent: string
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  readonly attributes?: SpanAttributes
}

export interface Tracing {
  /** Runs `work` as a span, which ends with it; an error is noted and passed on. `work` begins before this returns. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>
  /** Tells of something that others name as their parent. */
  tell(name: string, past: PastSpan): void
  /** Sends what waits, for a few seconds at most. */
  close(): Promise<void>
}
