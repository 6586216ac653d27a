// Writes what is generated from the configuration's schemas (`npm run generate`): the reference page and the JSON Schema.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BrainFileSchema } from '#config/brain-schema.ts'
import { CentralFileSchema } from '#config/central-schema.ts'
import { gatewayJsonSchema, plainJsonSchema } from '#config/json-schema.ts'
import { configurationReference } from '#config/reference.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { packageVersion, PACKAGE_ROOT } from '#gateway/version.ts'
import { systemClock } from '#kit/clock.ts'
import { SimulationSchema } from '#simulate/schema.ts'
import { commandTree } from './command-tree.ts'
import { wholeProgram } from './main.ts'
import { manualPage } from './manual-page.ts'
import { serviceReference } from './service-reference.ts'
import { simulationReference } from './simulation-reference.ts'

/** Text of each generated file, by path within the package. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const catalogue = createCatalogue({ clock: systemClock })
  return new Map([
    ['docs/configuration.md', configurationReference(catalogue)],
    ['config/gateway.schema.json', `${JSON.stringify(gatewayJsonSchema(catalogue), null, 2)}\n`],
    [
      'docs/central-configuration.md',
      serviceReference({ name: 'central', title: 'central', schema: CentralFileSchema }),
    ],
    [
      'config/central.schema.json',
      `${JSON.stringify(plainJsonSchema('TelemetryX central', CentralFileSchema), null, 2)}\n`,
    ],
    ['docs/brain-configuration.md', serviceReference({ name: 'brain', title: 'the brain', schema: BrainFileSchema })],
    ['config/brain.schema.json', `${JSON.stringify(plainJsonSchema('TelemetryX brain', BrainFileSchema), null, 2)}\n`],
    ['docs/simulation.md', simulationReference()],
    [
      'config/simulate.schema.json',
      `${JSON.stringify(plainJsonSchema('TelemetryX simulation', SimulationSchema), null, 2)}\n`,
    ],
  ])
}

/** The manual page, made from the commands. */
export async function generatedManualPage(): Promise<readonly [path: string, text: string]> {
  return ['packaging/telemetryx.1', manualPage(commandTree(await wholeProgram()), packageVersion())]
}

if (import.meta.main) {
  for (const [path, text] of [...generatedFiles(), await generatedManualPage()]) {
    const file = join(PACKAGE_ROOT, path)
    mkdirSync(dirname(file), { recursive: true })
    const isNew = readIfPresent(file) !== text
    if (isNew) writeFileSync(file, text)
    console.log(`${path}: ${isNew ? 'written' : 'unchanged'}`)
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
