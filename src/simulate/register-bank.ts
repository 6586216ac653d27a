// The memory of a simulated Modbus unit: 65,536 cells in each of the four areas, and typed access for the machine models.
// Shares no code with the driver, so that a symmetric mistake in both cannot hide.

export type BankTable = 'coil' | 'discrete' | 'holding' | 'input'

export class RegisterBank {
  readonly coils = new Uint8Array(65_536)
  readonly discrete = new Uint8Array(65_536)
  readonly holding = new DataView(new ArrayBuffer(131_072))
  readonly input = new DataView(new ArrayBuffer(131_072))
  /** Addresses that exist, by table; null: all. What does not exist is refused with exception 2. */
  existing: Readonly<Record<BankTable, Uint8Array>> | null = null
  /** Vendor, product and revision; null: the unit does not know function 43. */
  identity: readonly [vendor: string, product: string, revision: string] | null = null

  exists(table: BankTable, start: number, count: number): boolean {
    if (start + count > 65_536) return false
    const known = this.existing?.[table]
    return known === undefined || known.subarray(start, start + count).every((cell) => cell === 1)
  }

  /** Float32 in two input registers, order ABCD. */
  setInputFloat(address: number, value: number): void {
    this.input.setFloat32(address * 2, value)
  }

  /** Float32 with swapped words, order CDAB, as many PLCs keep it. */
  setInputFloatSwapped(address: number, value: number): void {
    const scratch = new DataView(new ArrayBuffer(4))
    scratch.setFloat32(0, value)
    this.input.setUint16(address * 2, scratch.getUint16(2))
    this.input.setUint16(address * 2 + 2, scratch.getUint16(0))
  }

  /** Signed 16-bit integer in an input register; clamped. */
  setInputInt16(address: number, value: number): void {
    this.input.setInt16(address * 2, Math.max(-32_768, Math.min(32_767, Math.round(value))))
  }

  /** Unsigned 32-bit counter in two input registers; wraps as a PLC's does. */
  setInputUint32(address: number, value: number): void {
    this.input.setUint32(address * 2, value >>> 0)
  }

  setDiscrete(address: number, value: boolean): void {
    this.discrete[address] = value ? 1 : 0
  }

  setHolding(address: number, value: number): void {
    this.holding.setUint16(address * 2, value)
  }

  getHolding(address: number): number {
    return this.holding.getUint16(address * 2)
  }
}
