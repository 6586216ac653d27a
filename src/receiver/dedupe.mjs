// Drops repeats by (gateway, epoch, seq): what a receiver needs so that at-least-once delivery becomes exactly once. Plain
// JavaScript without dependencies, because Node strips no types in node_modules. Types: dedupe.d.mts. How to use it: README.md.

/** Which positions of one gateway have arrived: for each epoch, ranges of seqs that neither touch nor overlap, in order. */
export class ReceivedPositions {
  /** @type {Map<number, { starts: number[], ends: number[] }>} */
  #epochs = new Map()

  constructor(state = []) {
    for (const { epoch, ranges } of state) for (const [first, last] of ranges) this.add(epoch, first, last)
  }

  /** Has this record arrived? */
  has(epoch, seq) {
    const ranges = this.#epochs.get(epoch)
    if (ranges === undefined) return false
    const at = lastAtOrBefore(ranges.starts, seq)
    return at >= 0 && seq <= ranges.ends[at]
  }

  /** Indices of the seqs that have not arrived yet; of one seq that comes twice only the first. Remembers nothing. */
  fresh(epoch, seqs) {
    const ranges = this.#epochs.get(epoch)
    const indices = []
    const within = new Set()
    let rises = true
    for (let index = 0; index < seqs.length; index++) {
      const seq = checked(seqs[index], 'seq')
      rises &&= index === 0 || seq > seqs[index - 1]
      if (ranges !== undefined && seq <= ranges.ends[ranges.ends.length - 1] && this.has(epoch, seq)) continue
      if (!rises && within.size === 0) for (const earlier of indices) within.add(seqs[earlier])
      if (within.has(seq)) continue
      if (!rises) within.add(seq)
      indices.push(index)
    }
    return indices
  }

  /** Remembers the positions from `first` to `last`. Call it in the same transaction that keeps the records. */
  add(epoch, first, last = first) {
    checked(epoch, 'epoch')
    checked(first, 'seq')
    checked(last, 'seq')
    if (last < first) throw new RangeError(`${last} lies before ${first}`)
    let ranges = this.#epochs.get(epoch)
    if (ranges === undefined) this.#epochs.set(epoch, (ranges = { starts: [], ends: [] }))
    insert(ranges, first, last)
  }

  /**
   * Remembers a batch: its records, but for those that were refused, and what it covers. Returns the ranges that it added,
   * for who keeps them.
   */
  addBatch({ epoch, seqs, refused = [], firstSeq = 0, lastSeq = 0, openSeqs = [] }) {
    const ranges = rangesOfBatch({ seqs, refused, firstSeq, lastSeq, openSeqs })
    for (const [first, last] of ranges) this.add(epoch, first, last)
    return ranges
  }

  /** Positions between the first and the last of an epoch that have not arrived: still to come, refused, or lost at the gateway. */
  gaps(epoch) {
    const { starts, ends } = this.#epochs.get(epoch) ?? { starts: [], ends: [] }
    return starts.slice(1).map((start, index) => [ends[index] + 1, start - 1])
  }

  /** Epochs of which anything has arrived, in order. */
  epochs() {
    return [...this.#epochs.keys()].sort((a, b) => a - b)
  }

  /** Last position of an epoch that has arrived; 0 when none. */
  last(epoch) {
    return this.#epochs.get(epoch)?.ends.at(-1) ?? 0
  }

  /** How many ranges are kept: what this costs. */
  get rangeCount() {
    let count = 0
    for (const { starts } of this.#epochs.values()) count += starts.length
    return count
  }

  /** Forgets an epoch of which nothing will come any more. A repeat of it would be taken as new. */
  forget(epoch) {
    return this.#epochs.delete(epoch)
  }

  /** For the constructor. */
  toJSON() {
    return this.epochs().map((epoch) => {
      const { starts, ends } = this.#epochs.get(epoch)
      return { epoch, ranges: starts.map((start, index) => [start, ends[index]]) }
    })
  }
}

/** The ranges that a batch adds: its records and what lies between them if it covers that, without those refused. */
function rangesOfBatch({ seqs, refused, firstSeq, lastSeq, openSeqs }) {
  const holes = new Set(firstSeq === 0 ? refused : [...refused, ...openSeqs])
  const ranges = []
  const put = (first, last) => {
    const before = ranges.at(-1)
    if (before !== undefined && before[1] === first - 1) before[1] = last
    else if (last >= first) ranges.push([first, last])
  }
  if (firstSeq === 0) {
    for (const seq of seqs) if (!holes.has(seq)) put(seq, seq)
    return ranges
  }
  let next = firstSeq
  for (const seq of [...holes].sort((a, b) => a - b)) {
    if (seq < firstSeq || seq > lastSeq) continue
    put(next, seq - 1)
    next = seq + 1
  }
  put(next, lastSeq)
  return ranges
}

/** Puts a range in, and joins it with those that it touches. */
function insert({ starts, ends }, first, last) {
  const size = starts.length
  if (size === 0 || first > ends[size - 1] + 1) {
    starts.push(first)
    ends.push(last)
    return
  }
  // The first range that ends at `first - 1` or later, and the last that starts at `last + 1` or earlier.
  let from = Math.max(0, lastAtOrBefore(starts, first))
  if (ends[from] < first - 1) from += 1
  const to = lastAtOrBefore(starts, last + 1)
  if (to < from) {
    starts.splice(from, 0, first)
    ends.splice(from, 0, last)
    return
  }
  const start = Math.min(first, starts[from])
  const end = Math.max(last, ends[to])
  starts.splice(from, to - from + 1, start)
  ends.splice(from, to - from + 1, end)
}

/** Index of the last number that is not beyond `wanted`; -1 when all are. */
function lastAtOrBefore(sorted, wanted) {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] <= wanted) low = middle + 1
    else high = middle
  }
  return low - 1
}

function checked(number, name) {
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`${name} must be a whole number from 1: ${number}`)
  return number
}
