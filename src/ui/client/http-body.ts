// Answers that are no JSON in one piece: files, and lines that come one after the other.

/** Bytes so far, and of how many; null: unknown. */
export type Progress = (received: number, total: number | null) => void

/** So many bytes are put aside at a time; the browser keeps large ones on its disk. */
const PIECE_BYTES = 8 * 1024 * 1024

export async function readFile(response: Response, onProgress: Progress | undefined): Promise<Blob> {
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(length) ? length : null
  const pieces: Blob[] = []
  let chunks: Uint8Array<ArrayBuffer>[] = []
  let received = 0
  let inChunks = 0
  await readChunks(response, (chunk) => {
    chunks.push(chunk)
    inChunks += chunk.length
    received += chunk.length
    onProgress?.(received, total)
    if (inChunks < PIECE_BYTES) return
    pieces.push(new Blob(chunks))
    chunks = []
    inChunks = 0
  })
  return new Blob([...pieces, ...chunks], { type: response.headers.get('content-type') ?? '' })
}

/** Each line of NDJSON decoded, as it comes. */
export async function readLines(response: Response, onLine: (line: unknown) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  await readChunks(response, (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line !== '') onLine(JSON.parse(line))
  })
  if (rest !== '') onLine(JSON.parse(rest))
}

async function readChunks(response: Response, onChunk: (chunk: Uint8Array<ArrayBuffer>) => void): Promise<void> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  for (let next = await reader.read(); !next.done; next = await reader.read()) onChunk(next.value)
}
