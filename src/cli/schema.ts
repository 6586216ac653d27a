// `telemetryx schema`: the JSON Schema of a configuration, for editors.

import { Argument, type Command } from 'commander'
import { gatewayJsonSchema } from '#config/json-schema.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'

export function registerSchema(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schema of a configuration')
    .description(
      'Prints the JSON Schema of a configuration, with which an editor completes keys and marks mistakes while you type.\n' +
        'The one of gateway.yaml also stands in config/gateway.schema.json.',
    )
    .addArgument(new Argument('<role>', 'whose configuration').choices(['gateway']))
    .addHelpText(
      'after',
      '\nExample:\n  telemetryx schema gateway > gateway.schema.json\n\n' +
        'Then make this the first line of your gateway.yaml (Visual Studio Code with the YAML extension, Neovim, …):\n' +
        '  # yaml-language-server: $schema=gateway.schema.json',
    )
    .action(() => console.log(JSON.stringify(gatewayJsonSchema(createCatalogue({ clock: systemClock })), null, 2)))
}
