// Answers that come piece by piece: files, and a scan's lines.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHttpClient } from '../../../src/ui/client/http.ts'
import { scan, type ScanStep } from '../../../src/ui/client/scan.ts'

/** A client whose answer comes in these pieces; it breaks off at the end when `isBroken`. */
function client(pieces: readonly Uint8Array[], { isBroken = false, headers = {}, status = 200 } = {}) {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(piece)
      if (isBroken) controller.error(new Error('gone'))
      else controller.close()
    },
  })
  return createHttpClient(
    async () => new Response(body, { status, headers }),
    () => undefined,
  )
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const END = { type: 'end', isCut: false, notes: [] }

async function scanned(http: ReturnType<typeof client>): Promise<readonly ScanStep[]> {
  const steps: ScanStep[] = []
  const wish = { kind: 'modbus', body: {}, signal: new AbortController().signal } as const
  await scan(http, wish, (step) => steps.push(step))
  return steps
}

describe('a file', () => {
  it('comes whole, under the name that the gateway gave it, and tells how far it is', async () => {
    const headers = { 'content-disposition': 'attachment; filename="edge-01.tar"', 'content-length': '6' }
    const progress: [number, number | null][] = []
    const { name, content } = await client([bytes('abc'), bytes('def')], { headers }).download('/backup', {
      onProgress: (received, total) => progress.push([received, total]),
    })
    expect([name, await content.text()]).toEqual(['edge-01.tar', 'abcdef'])
    expect(progress).toEqual([
      [3, 6],
      [6, 6],
    ])
  })

  it('is none when the connection breaks before its end', async () => {
    await expect(client([bytes('abc')], { isBroken: true }).download('/backup', {})).rejects.toMatchObject({
      code: 'OFFLINE',
    })
  })

  it('is refused with the words of the problem document', async () => {
    const http = client([bytes('{"code":"STORE_FULL","detail":"No room"}')], { status: 507 })
    await expect(http.download('/backup', {})).rejects.toMatchObject({
      status: 507,
      code: 'STORE_FULL',
      message: 'No room',
    })
  })
})

describe('the steps of a scan', () => {
  it('are the same however the answer is cut into pieces', async () => {
    const lines = [{ type: 'progress', text: 'Ölpresse · 1 °C' }, { type: 'weather' }, END]
    const text = lines.map((line) => JSON.stringify(line)).join('\n')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 12 }), fc.boolean(), async (cuts, isEnded) => {
        const all = bytes(isEnded ? `${text}\n` : text)
        const places = [0, ...cuts.toSorted((a, b) => a - b), all.length]
        const pieces = places.slice(1).map((to, index) => all.slice(places[index], to))
        expect(await scanned(client(pieces))).toEqual([lines[0], END])
      }),
    )
  })

  it('end with the reason when the scan failed, or was broken off', async () => {
    const failed = JSON.stringify({ type: 'failed', code: 'TIMEOUT', detail: 'No answer' })
    await expect(scanned(client([bytes(`${failed}\n`)]))).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'No answer',
    })
    await expect(scanned(client([bytes('{"type":"progress","text":"a"}\n')]))).rejects.toMatchObject({
      code: 'OFFLINE',
    })
  })
})
