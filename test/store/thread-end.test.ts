import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './open-test-store.ts'

const PROCESS = new URL('./ending-process.ts', import.meta.url).pathname
const ROUNDS = Number(process.env['TELEMETRYX_THREAD_ROUNDS'] ?? 16)

/** Runs the process; answers how it ended and what it said. */
async function run(mode: string, folder: string, rounds: number): Promise<{ end: string; output: string }> {
  const child = spawn(process.execPath, [PROCESS, mode, folder, String(rounds)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { end: signal ?? `exit ${code}`, output }
}

describe('the end of store threads', () => {
  it('leaves the process alive, with SQLite still in memory, however many stores were opened and closed', async () => {
    using folder = temporaryFolder()
    const { end, output } = await run('close', folder.path, ROUNDS)
    expect({ end, output }).toEqual({ end: 'exit 0', output: 'library mapped: true\n' })
  }, 120_000)

  it('does not crash a process that exits while its stores work', async () => {
    for (let round = 0; round < Math.ceil(ROUNDS / 8); round++) {
      using folder = temporaryFolder()
      expect(await run('exit', folder.path, round * 23)).toEqual({ end: 'exit 0', output: '' })
    }
  }, 120_000)
})
