// `telemetryx completion`: what makes a shell complete commands, options and names of files.

import { Argument, type Command } from 'commander'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { zshCompletion } from './completion/zsh.ts'
import { commandTree } from './command-tree.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** `program` has all commands when the action runs. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print a script that completes commands in a shell')
    .description('Prints a script for bash, zsh or fish that completes commands, options and names of files.')
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  telemetryx completion bash | sudo tee /etc/bash_completion.d/telemetryx\n' +
        '  telemetryx completion zsh > ~/.zfunc/_telemetryx\n' +
        '  telemetryx completion fish > ~/.config/fish/completions/telemetryx.fish',
    )
    .action((shell: keyof typeof SHELLS) => void process.stdout.write(SHELLS[shell](commandTree(program))))
}
