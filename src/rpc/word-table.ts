// Words of the domain beside the numbers of an enum on the wire.

export class WordTable<Word extends string, Wire extends number> {
  readonly #wire: Readonly<Record<Word, Wire>>
  readonly #words: ReadonlyMap<number, Word>

  constructor(wire: Readonly<Record<Word, Wire>>) {
    this.#wire = wire
    this.#words = new Map((Object.entries(wire) as [Word, Wire][]).map(([word, value]) => [value, word]))
  }

  wire(word: Word): Wire {
    return this.#wire[word]
  }

  /** undefined for a number that this version does not know, and for 0, which says nothing. */
  word(wire: number | undefined): Word | undefined {
    return this.#words.get(wire ?? 0)
  }
}
