// The positions of a message's metrics, in the payload's `uuid`: what a receiver needs to drop repeats.
//
//   uuid  = gateway "/" epoch "/" range *( "," range )      edge-01/3/1042-1050,1052
//   range = seq / seq "-" seq                               consecutive ones, both ends included

/** `seqs` rise. The i-th metric has the i-th position. */
export function formatPositions(gateway: string, epoch: number, seqs: readonly number[]): string {
  const ranges: string[] = []
  for (let at = 0; at < seqs.length;) {
    const first = seqs[at]!
    let last = first
    while (seqs[++at] === last + 1) last += 1
    ranges.push(first === last ? `${first}` : `${first}-${last}`)
  }
  return `${gateway}/${epoch}/${ranges.join(',')}`
}
