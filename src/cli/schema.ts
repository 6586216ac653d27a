// `telemetryx schema`: the JSON Schema of a configuration, for editors.

import { Argument, type Command } from 'commander'
import { BrainFileSchema } from '#config/brain-schema.ts'
import { CentralFileSchema } from '#config/central-schema.ts'
import { gatewayJsonSchema, plainJsonSchema } from '#config/json-schema.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { SimulationSchema } from '#simulate/schema.ts'

const SCHEMAS = {
  gateway: () => gatewayJsonSchema(createCatalogue({ clock: systemClock })),
  brain: () => plainJsonSchema('TelemetryX brain', BrainFileSchema),
  central: () => plainJsonSchema('TelemetryX central', CentralFileSchema),
  simulate: () => plainJsonSchema('TelemetryX simulation', SimulationSchema),
} as const

export function registerSchema(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schema of a configuration')
    .description(
      'Prints the JSON Schema of a configuration, with which an editor completes keys and marks mistakes while you type.\n' +
        'They also stand in config/*.schema.json.',
    )
    .addArgument(new Argument('<role>', 'whose configuration').choices(Object.keys(SCHEMAS)))
    .addHelpText(
      'after',
      '\nExample:\n  telemetryx schema gateway > gateway.schema.json\n\n' +
        'Then make this the first line of your gateway.yaml (Visual Studio Code with the YAML extension, Neovim, …):\n' +
        '  # yaml-language-server: $schema=gateway.schema.json',
    )
    .action((role: keyof typeof SCHEMAS) => console.log(JSON.stringify(SCHEMAS[role](), null, 2)))
}
