// Byte orders, straight from their definition: the letters name the bytes in the sequence in which they stand on the
// wire, A being the most significant. A Modbus register is sent high byte first (V1.1b3 §4.2), so `ABCD` is a value whose
// first register holds its upper half; `CDAB` has the registers swapped, `BADC` the bytes of each register, `DCBA` both.

const A = 'A'.charCodeAt(0)

/** For each byte of the value, most significant first, its place on the wire. `CDAB` → 2 3 0 1. */
export function wirePlaces(order: string): Uint8Array {
  const places = new Uint8Array(order.length)
  for (let place = 0; place < order.length; place++) places[order.charCodeAt(place) - A] = place
  return places
}
