// Numbers in messages for people: no floating-point tail, no exponent where plain digits do.

const SIGNIFICANT_DIGITS = 7

/** `76.19999694824219` → `76.2`, `1234567.891` → `1234567.89`; integers as they are. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const integerDigits = Math.max(0, Math.floor(Math.log10(Math.abs(value))) + 1)
  return String(Number(value.toPrecision(Math.min(17, Math.max(SIGNIFICANT_DIGITS, integerDigits + 2)))))
}
