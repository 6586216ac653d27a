// How the gateway works out a sensor from others.

/** What a window can tell of the readings in it; `standardDeviation` is the sample one (n − 1). */
export const WINDOW_FIGURES = ['count', 'sum', 'mean', 'min', 'max', 'last', 'standardDeviation', 'percentile'] as const
export type WindowFigure = (typeof WINDOW_FIGURES)[number]

export interface WindowSpec {
  /** Full id of the sensor. */
  readonly of: string
  readonly figure: WindowFigure
  readonly sizeMs: number
  /** sizeMs is a multiple of it; equal: windows do not overlap. */
  readonly everyMs: number
  /** How long after its end a window still takes readings that are late. */
  readonly latenessMs: number
  /** 0 … 100. */
  readonly percentile: number
}

export type Derivation =
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'window'; readonly window: WindowSpec }
