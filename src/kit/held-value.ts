// A sink that keeps the one value it is given: what a device says when a write is read back.

import { statusName } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Value } from '#domain/value.ts'

export class HeldValue implements ReadingSink {
  /** Booleans as 0 or 1; null when nothing good was given. */
  value: Value | null = null
  /** Status of a bad one, in words. */
  problem = ''

  number(_sensor: number, value: number): void {
    this.value = value
  }

  integer(_sensor: number, value: bigint): void {
    this.value = value
  }

  text(_sensor: number, value: string): void {
    this.value = value
  }

  bad(_sensor: number, status: number): void {
    this.problem = statusName(status)
  }
}
