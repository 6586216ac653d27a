import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { parseInThread } from '#gateway/parse-configuration.ts'
import { systemClock } from '#kit/clock.ts'

const TEXT = `gateway: { id: edge-01, factory: Plant A }
devices:
  - { id: press-1, driver: modbus, connection: { transport: tcp, host: "\${HOST}" }, sensorsFile: s.csv }
derived: [ { id: press-1.twice, expression: "press-1.a * 2.0" } ]
uplinks: [ { id: hq, type: mqtt, url: "mqtt://h:1883", topic: "{sensor}" } ]
`
const CSV = 'id,register,address,type,unit\na,holding,1,float32,bar\n'

describe('Reading a configuration in a thread', () => {
  it('gives what reading it in place gives', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-parse-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 's.csv'), CSV)
    const job = {
      file: join(folder, 'gateway.yaml'),
      text: TEXT,
      files: [],
      env: { HOST: 'h' },
      dataDir: folder,
      drivers: [],
    }
    const catalogue = createCatalogue({ clock: systemClock })
    expect(await parseInThread(job)).toEqual(parseGatewayConfig(TEXT, { ...job, catalogue }))
    const wrong = TEXT.replace('factory', 'fabric')
    expect(await parseInThread({ ...job, text: wrong })).toEqual(parseGatewayConfig(wrong, { ...job, catalogue }))
    const older = [{ path: join(folder, 's.csv'), text: CSV.replace('bar', 'mbar') }]
    expect(await parseInThread({ ...job, files: older })).toMatchObject({ ok: true, files: older })
  })

  it('says that a driver is missing', async () => {
    const job = {
      file: '/nowhere/gateway.yaml',
      text: TEXT,
      files: [],
      env: {},
      dataDir: '/nowhere',
      drivers: ['no-such-package'],
    }
    await expect(parseInThread(job)).rejects.toMatchObject({ code: 'INTERNAL', message: /no-such-package/ })
  })
})
