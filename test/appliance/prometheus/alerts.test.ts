// The alerting rules: what they say (promtool's own unit tests), and that they ask for what a gateway really offers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run } from '#test/cli/run-command.ts'
import { configurationFor, hasPrometheus, PROMETHEUS_FOLDER, startPrometheus } from './prometheus-server.ts'
import type { Prometheus } from './prometheus-server.ts'
import { labelsIn, offeredBy, seriesIn, unknownIn } from './queries.ts'
import { startWatchedGateway, type WatchedGateway } from './watched-gateway.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const RULES_FILE = join(PROMETHEUS_FOLDER, 'rules', 'telemetryx.yml')
const TESTS_FILE = join(PACKAGE_ROOT, 'test', 'appliance', 'prometheus', 'rules.test.yml')
const rulesText = readFileSync(RULES_FILE, 'utf8')
const testsText = readFileSync(TESTS_FILE, 'utf8')
const rules = (parse(rulesText) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)
const eventually = { timeout: 25_000, interval: 100 }

let gateway: WatchedGateway | undefined
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-alerts-'))
  gateway = await startWatchedGateway()
})
afterAll(async () => {
  await gateway?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('an expression', () => {
  it('is taken apart into series and labels', () => {
    const expression = `histogram_quantile(0.99, sum by (instance, le) (rate(a_bucket{device=~"x(y)",kind!="z"}[5m])))
      / on (job) group_left b:c > 1e3 and up`
    expect(seriesIn(expression)).toEqual(['a_bucket', 'b:c', 'up'])
    expect(labelsIn(expression)).toEqual(['device', 'kind', 'instance', 'le', 'job'])
  })
})

describe('the alerts', () => {
  it('ask only for series and labels that a gateway has', async () => {
    const offered = offeredBy(await gateway!.metrics())
    for (const { alert, expr } of rules) expect(unknownIn(expr, offered), alert).toEqual([])
    expect(unknownIn('telemetryx_uplink_upp{uplnk="hq"} == 0', offered)).toEqual(['telemetryx_uplink_upp', 'uplnk'])
  })

  it('are each tested, described and of a known severity', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(testsText, `${alert} has no test`).toMatch(
        new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n\\s+- exp_labels`),
      )
      expect(['critical', 'warning']).toContain(labels.severity)
      expect(Object.keys(annotations)).toEqual(['summary', 'description'])
    }
  })

  it('are each explained in docs/monitoring.md, and no other', () => {
    const manual = readFileSync(join(PACKAGE_ROOT, 'docs', 'monitoring.md'), 'utf8')
    const explained = [...manual.matchAll(/`(Telemetryx\w+)`/g)].map(([, name]) => name!)
    expect([...new Set(explained)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  })
})

describe.skipIf(!hasPrometheus)('promtool (needs prometheus)', () => {
  it('finds nothing to say about the metrics of a gateway', async () => {
    expect(await lint(await gateway!.metrics())).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const bad = await lint('# TYPE readings counter\nreadings 1\n')
    expect(bad.code).not.toBe(0)
    expect(bad.stdout + bad.stderr).toContain('_total')
  })

  it('accepts the configuration, and the rules that it names', async () => {
    const outcome = await run('promtool', [
      'check',
      'config',
      '--syntax-only',
      join(PROMETHEUS_FOLDER, 'prometheus.yml'),
    ])
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 })
    const checked = await run('promtool', ['check', 'rules', RULES_FILE])
    expect(checked.stdout).toContain(`${rules.length} rules found`)
  })

  it('sees each alert raised for what it is named after, and for nothing else', async () => {
    const outcome = await run('promtool', ['test', 'rules', TESTS_FILE])
    expect(outcome, outcome.stdout + outcome.stderr).toMatchObject({ code: 0 })
  })

  it('would notice a rule that is wrong', async () => {
    const wrong = join(folder, 'rules.yml')
    writeFileSync(wrong, rulesText.replace('telemetryx_device_up == 0', 'telemetryx_device_up == 1'))
    const tests = join(folder, 'tests.yml')
    writeFileSync(tests, testsText.replace('../../../docker/prometheus/rules/telemetryx.yml', wrong))
    const outcome = await run('promtool', ['test', 'rules', tests])
    expect(outcome.code).toBe(1)
    expect(outcome.stdout + outcome.stderr).toContain('TelemetryxDeviceDown')
  })

  function lint(page: string) {
    const file = join(folder, 'metrics.txt')
    writeFileSync(file, page)
    return run('sh', ['-c', `promtool check metrics < ${file}`])
  }
})

describe.skipIf(!hasPrometheus)('a Prometheus that scrapes a gateway (needs prometheus)', () => {
  let prometheus: Prometheus
  beforeAll(async () => {
    const text = readFileSync(join(PROMETHEUS_FOLDER, 'prometheus.yml'), 'utf8')
    prometheus = await startPrometheus(configurationFor(text, { 'telemetryx-gateway': new URL(gateway!.url).host }))
    await vi.waitFor(async () => expect(await prometheus.query('up == 1')).toHaveLength(1), eventually)
  })
  afterAll(() => prometheus.stop())

  it('has every series that the rules ask for', async () => {
    const wanted = [...new Set(rules.flatMap(({ expr }) => seriesIn(expr)))]
    expect(wanted.length).toBeGreaterThan(12)
    await vi.waitFor(async () => {
      for (const name of wanted) expect(await prometheus.query(name), name).not.toEqual([])
    }, eventually)
  })

  it('evaluates every rule, and sees the device and the receiver that are away', async () => {
    interface Evaluated {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly alerts: { readonly labels: Record<string, string> }[]
    }
    await vi.waitFor(async () => {
      const { groups } = await prometheus.get<{ groups: { rules: Evaluated[] }[] }>('rules')
      const evaluated = groups.flatMap((group) => group.rules)
      expect(evaluated.map(({ name }) => name).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
      for (const { name, health, lastError } of evaluated) expect(health, `${name}: ${lastError}`).toBe('ok')
      const raised = new Map(evaluated.map(({ name, alerts }) => [name, alerts.map(({ labels }) => labels)]))
      expect(raised.get('TelemetryxDeviceDown')).toEqual([expect.objectContaining({ device: 'press-2' })])
      expect(raised.get('TelemetryxUplinkDown')).toEqual([expect.objectContaining({ uplink: 'hq' })])
      for (const quiet of ['TelemetryxGatewayDown', 'TelemetryxDataLost', 'TelemetryxRingFilling'])
        expect(raised.get(quiet), quiet).toEqual([])
    }, eventually)
  })
})
