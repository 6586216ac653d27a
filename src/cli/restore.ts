// `telemetryx restore`: a backup into a data folder.

import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readTextFile } from '#config/read-text.ts'
import { SecretStore } from '#config/secret-store.ts'
import { secretUses } from '#gateway/secret-desk.ts'
import { restoreBackup } from '#gateway/stored-data.ts'
import { namesInShort } from './backup.ts'
import { yieldToTheGateway } from './beside-gateway.ts'
import { progressBar, progressLine } from './progress-line.ts'

interface RestoreCommandOptions {
  readonly data: string
  readonly force?: true
  readonly json?: true
}

export function registerRestore(program: Command): void {
  program
    .command('restore')
    .summary('put a backup into a data folder')
    .description(
      'Checks a backup and puts it into a data folder on which no gateway runs. What the folder held before is never ' +
        'deleted. The restored gateway numbers its records beyond those of the old one, so that receivers mix up nothing.',
    )
    .argument('<file>', 'what `telemetryx backup` wrote')
    .requiredOption('--data <dir>', 'data folder; made when it is not there')
    .option('--force', 'restore even if the folder holds data: they are set aside in it')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  telemetryx restore edge-01.tar --data /var/lib/telemetryx')
    .action(runRestore)
}

async function runRestore(file: string, options: RestoreCommandOptions): Promise<void> {
  yieldToTheGateway()
  const progress = progressLine()
  try {
    const { manifest, epoch, setAside } = await restoreBackup({
      file,
      dataDir: resolve(options.data),
      force: options.force === true,
      now: Date.now(),
      onProgress: (done, total) => progress.show(() => `restoring ${progressBar(done, total)}`),
    })
    progress.clear()
    const files = manifest.files.map(({ name }) => name)
    const config = files.find((name) => /^config\/[^/]+\.ya?ml$/.test(name))
    const missingSecrets = config === undefined ? [] : await missingSecretsOf(config, resolve(options.data))
    if (options.json) {
      const { createdAt } = manifest
      console.log(JSON.stringify({ data: options.data, createdAt, epoch, files, setAside, missingSecrets }))
      return
    }
    console.log(`${options.data}: restored ${namesInShort(files)}, as of ${manifest.createdAt}`)
    for (const name of setAside) console.log(`Set aside: ${options.data}/${name}`)
    for (const name of missingSecrets)
      console.log(`Secrets are in no backup. Set: telemetryx secret set ${name} --data ${options.data}`)
    if (config !== undefined)
      console.log(`Start it with: telemetryx gateway -c ${options.data}/${config} --data ${options.data}`)
  } finally {
    progress.clear()
  }
}

/** Secrets that the restored configuration reads and the folder does not have. */
async function missingSecretsOf(config: string, dataDir: string): Promise<readonly string[]> {
  try {
    const stored = new Set((await new SecretStore({ dataDir, env: process.env }).list()).map(({ name }) => name))
    const text = readTextFile(join(dataDir, config))
    return [...secretUses([text]).keys()].filter((name) => !stored.has(name))
  } catch {
    return [] // the data are restored; what the configuration lacks is told when it is started
  }
}
