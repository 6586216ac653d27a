// What people write in expressions → CEL. Sensor ids hold dots and dashes, which CEL reads as member access and minus; and
// every number here is a float64, while CEL refuses to multiply a float64 by the integer 2. So ids become variables and
// integers get a decimal point, and a map of places leads problems back to the text as it was written.

export interface ExpressionSource {
  /** The text in CEL; operand n is the variable `v<n>`. */
  readonly cel: string
  /** Full ids of the sensors in it, each once. */
  readonly operands: readonly string[]
  /** Offset in the written text for one in `cel`. */
  place(celOffset: number): number
}

/** What is wrong, in plain words, and where in the text. */
export interface ExpressionProblem {
  readonly offset: number
  readonly message: string
}

export interface SourceScope {
  readonly isSensor: (id: string) => boolean
  /** The sensor that the word `value` stands for; null: none. */
  readonly own: string | null
}

const SENSOR = /[a-z0-9][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*/y
const CALLED = /value\s*\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)/y
const NUMBER = /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z_])/y
const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y

/** Words that may stand right before a minus and a sensor id: `value-press-1.flow`. */
const OWN_WORD = 'value'

/** Reads `text`; the first unknown sensor is a problem. */
export function readExpression(text: string, scope: SourceScope): ExpressionSource | ExpressionProblem {
  const writer = new SourceWriter()
  let at = 0
  while (at < text.length) {
    const piece = nextPiece(text, at, scope)
    if ('message' in piece) return { offset: at, message: piece.message }
    if (piece.sensor === undefined) writer.copy(at, piece.cel ?? text.slice(at, at + piece.length))
    else writer.operand(at, piece.sensor)
    at += piece.length
  }
  return writer.done(text.length)
}

interface Piece {
  readonly length: number
  /** What stands for it in CEL; default: itself. */
  readonly cel?: string
  readonly sensor?: string
}

function nextPiece(text: string, at: number, scope: SourceScope): Piece | { readonly message: string } {
  const quoted = matchAt(TEXT, text, at)
  if (quoted) return { length: quoted[0].length }
  const called = matchAt(CALLED, text, at)
  if (called) {
    const sensor = called[1] ?? called[2] ?? ''
    return scope.isSensor(sensor) ? { length: called[0].length, sensor } : { message: unknownSensor(sensor) }
  }
  const candidate = matchAt(SENSOR, text, at)?.[0]
  const sensor = candidate === undefined ? undefined : longestSensor(candidate, scope)
  if (sensor !== undefined) return { length: sensor.length, sensor }
  const number = matchAt(NUMBER, text, at)
  if (number) {
    const isWhole = number[1] === undefined && number[2] === undefined
    return { length: number[0].length, cel: isWhole ? `${number[0]}.0` : number[0] }
  }
  const word = matchAt(WORD, text, at)?.[0]
  if (word === OWN_WORD && scope.own !== null) return { length: word.length, sensor: scope.own }
  if (candidate !== undefined) return { message: unknownSensor(candidate) }
  return { length: word?.length ?? 1 }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** `a.b-c.d` may be two sensors with a minus between: the longest id that exists counts. */
function longestSensor(candidate: string, { isSensor }: SourceScope): string | undefined {
  let id = candidate
  for (;;) {
    if (isSensor(id)) return id
    const dash = id.lastIndexOf('-')
    if (dash <= id.indexOf('.')) return undefined
    id = id.slice(0, dash)
  }
}

function unknownSensor(id: string): string {
  return `there is no sensor "${id}"`
}

class SourceWriter {
  readonly #operands: string[] = []
  readonly #places: { readonly cel: number; readonly text: number }[] = []
  #cel = ''

  copy(at: number, piece: string): void {
    this.#places.push({ cel: this.#cel.length, text: at })
    this.#cel += piece
  }

  operand(at: number, id: string): void {
    let index = this.#operands.indexOf(id)
    if (index < 0) index = this.#operands.push(id) - 1
    this.copy(at, `v${index}`)
  }

  done(length: number): ExpressionSource {
    const places = this.#places
    return {
      cel: this.#cel,
      operands: this.#operands,
      place: (offset) =>
        offset >= this.#cel.length ? length : (places.findLast(({ cel }) => cel <= offset)?.text ?? 0),
    }
  }
}
