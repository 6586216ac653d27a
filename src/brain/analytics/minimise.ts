// Smallest value of a smooth function of a few variables, without derivatives being given: BFGS on central differences.
// Source: Nocedal, Wright: Numerical Optimization, 2nd edition, algorithm 6.1; backtracking 3.1; differences 8.1.

export interface Minimum {
  readonly at: Float64Array
  readonly value: number
  readonly iterations: number
}

export interface MinimiseOptions {
  readonly maxIterations?: number
  /** Ends when the largest slope is no larger. */
  readonly tolerance?: number
}

type Objective = (at: Float64Array) => number

/** Cube root of the float64's grain: the step at which central differences are best. */
const STEP = 6e-6
/** Share of the expected gain that a step must bring. */
const ENOUGH = 1e-4
const MAX_HALVINGS = 40

/** `objective` may answer Infinity or NaN where it is not defined: such places are avoided. Deterministic. */
export function minimise(objective: Objective, start: Float64Array, options: MinimiseOptions = {}): Minimum {
  const { maxIterations = 200, tolerance = 1e-7 } = options
  const size = start.length
  let at = Float64Array.from(start)
  let value = objective(at)
  if (size === 0 || !Number.isFinite(value)) return { at, value, iterations: 0 }
  let slope = gradient(objective, at)
  let inverse = identity(size)
  let iterations = 0
  for (; iterations < maxIterations && largest(slope) > tolerance; iterations++) {
    let direction = times(inverse, slope, -1)
    let descent = dot(direction, slope)
    if (!(descent < 0)) {
      inverse = identity(size)
      direction = slope.map((each) => -each)
      descent = dot(direction, slope)
    }
    const next = search(objective, { at, value, direction, descent })
    if (next === null) break
    const nextSlope = gradient(objective, next.at)
    const step = next.at.map((each, place) => each - at[place]!)
    const turn = nextSlope.map((each, place) => each - slope[place]!)
    const curvature = dot(step, turn)
    if (curvature > 1e-12 * Math.sqrt(dot(step, step) * dot(turn, turn)))
      update(inverse, { step, turn, curvature, isFirst: iterations === 0 })
    const gain = value - next.value
    ;({ at, value } = next)
    slope = nextSlope
    if (gain <= 1e-13 * (1 + Math.abs(value))) break
  }
  return { at, value, iterations }
}

interface Line {
  readonly at: Float64Array<ArrayBuffer>
  readonly value: number
  readonly direction: Float64Array
  readonly descent: number
}

function search(
  objective: Objective,
  { at, descent, direction, value }: Line,
): {
  at: Float64Array<ArrayBuffer>
  value: number
} | null {
  // No first step longer than the whole place is far: the first direction is scaled by nothing.
  let length = Math.min(1, (1 + Math.sqrt(dot(at, at))) / Math.sqrt(dot(direction, direction)))
  for (let halvings = 0; halvings < MAX_HALVINGS; halvings++, length /= 2) {
    const next = at.map((each, place) => each + length * direction[place]!)
    const nextValue = objective(next)
    if (nextValue <= value + ENOUGH * length * descent) return { at: next, value: nextValue }
  }
  return null
}

function gradient(objective: Objective, at: Float64Array): Float64Array {
  const moved = Float64Array.from(at)
  return Float64Array.from(at, (each, place) => {
    const step = STEP * Math.max(1, Math.abs(each))
    moved[place] = each + step
    const above = objective(moved)
    moved[place] = each - step
    const below = objective(moved)
    moved[place] = each
    const slope = (above - below) / (2 * step)
    return Number.isFinite(slope) ? slope : 0
  })
}

interface Curvature {
  readonly step: Float64Array
  readonly turn: Float64Array
  readonly curvature: number
  readonly isFirst: boolean
}

/** H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ, after H was scaled once (equation 6.20). */
function update(inverse: Float64Array, { curvature, isFirst, step, turn }: Curvature): void {
  const size = step.length
  if (isFirst) for (let i = 0; i < size; i++) inverse[i * size + i] = curvature / dot(turn, turn)
  const turned = times(inverse, turn, 1)
  const factor = (1 + dot(turn, turned) / curvature) / curvature
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      inverse[i * size + j]! +=
        factor * step[i]! * step[j]! - (step[i]! * turned[j]! + turned[i]! * step[j]!) / curvature
}

function identity(size: number): Float64Array {
  const matrix = new Float64Array(size * size)
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1
  return matrix
}

function times(matrix: Float64Array, vector: Float64Array, sign: number): Float64Array {
  const size = vector.length
  return vector.map((_, row) => {
    let sum = 0
    for (let column = 0; column < size; column++) sum += matrix[row * size + column]! * vector[column]!
    return sign * sum
  })
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
  return sum
}

function largest(slope: Float64Array): number {
  let most = 0
  for (const each of slope) most = Math.max(most, Math.abs(each))
  return most
}
