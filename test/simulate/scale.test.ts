import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { seededRandom } from '#kit/random.ts'
import { ScaleModel, startScale } from '#simulate/scale.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'
import { hasSocat } from '#test/sim/serial-pty.ts'
import { sensorOf } from '#test/drivers/serial/serial-device.ts'

const NEVER = new AbortController().signal

describe('the simulated scale', () => {
  it('always answers in its form, at rest and in motion, loaded and empty', () => {
    const scale = new ScaleModel(seededRandom(1))
    const answers = Array.from({ length: 600 }, (_, i) => scale.answerAt(i / 5))
    for (const answer of answers) expect(answer).toMatch(/^[SU] +\d+\.\d\d kg\r\n$/)
    expect(answers).toContain('S     0.00 kg\r\n')
    expect(answers.some((answer) => /^S +1[12]\./.test(answer))).toBe(true)
    expect(answers.some((answer) => answer.startsWith('U'))).toBe(true)
  })

  it.skipIf(!hasSocat)('is read by the serial driver, also after the port was closed (needs socat)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-scale-'))
    const path = join(folder, 'port')
    const scale = await startScale({ path, seconds: () => 7, random: seededRandom(1) })
    const driver = serialDriver({ clock: systemClock })
    const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
    const text = `version: 1\ngateway: { id: edge-01, factory: A }\ndevices:\n${scale!.yaml}\n`
    const result = parseGatewayConfig(text, { file: 'x.yaml', catalogue, env: {} })
    if (!result.ok) throw new Error(JSON.stringify(result.problems))
    const { config } = result.config.devices[0]!
    const sensor = { field: 'weight' }
    const setup = {
      id: 'scale',
      config,
      groups: [{ intervalMs: 500, points: [{ sensor: sensorOf(0, sensor), config: sensor }] }],
    }
    const device = driver.open(setup, new RecordingContext())
    for (let turn = 0; turn < 2; turn++) {
      await vi.waitFor(() => device.connect(NEVER), { timeout: 5000 })
      const sink = new RecordingSink()
      await device.poll(0, sink, NEVER)
      expect(sink.values[0]).toBeGreaterThan(11)
      await device.close()
    }
    scale!.stop()
    expect(existsSync(path)).toBe(false)
    rmSync(folder, { recursive: true, force: true })
  })
})
