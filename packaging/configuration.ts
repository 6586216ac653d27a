// /etc/telemetryx/*.yaml: the repository's configuration of a gateway with the paths of an installed one, and of the other roles.

const PATHS: readonly (readonly [from: string, to: string])[] = [
  ['# yaml-language-server: $schema=gateway.schema.json\n#\n', ''],
  ['telemetryx check config/gateway.yaml', 'telemetryx check /etc/telemetryx/gateway.yaml'],
  [
    '# Run it with:                                            telemetryx gateway -c config/gateway.yaml\n',
    '# Take a change up with:                                  systemctl reload telemetryx-gateway\n',
  ],
  ['docs/configuration.md', '/usr/share/doc/telemetryx/configuration.md'],
  ['config/examples/', '/usr/share/doc/telemetryx/examples/'],
  [
    '# Where readings are kept, relative to this file.\ndata: ../data\n',
    '# Where readings are kept.\ndata: /var/lib/telemetryx\n',
  ],
]

/** Throws when the template has changed so that a path is not there any more. */
export function installedConfiguration(template: string): string {
  return PATHS.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`config/gateway.yaml has no longer: ${from}`)
    return text.replace(from, to)
  }, template)
}

/** The roles beside the gateway, whose configurations are made of the examples. */
export type Role = 'brain' | 'central'

/**
 * /etc/telemetryx/ROLE.yaml: the example's keys as comments, beside a configuration that serves this machine alone with an embedded
 * database. Throws when the example says nothing.
 */
export function installedRoleConfiguration(role: Role, example: string): string {
  const lines = example.split('\n').filter((line) => !line.startsWith('# yaml-language-server'))
  const keys = lines.filter((line) => line !== '' && !line.startsWith('version:'))
  if (keys.length === 0) throw new Error(`config/examples/${role}.yaml is empty`)
  return `# Configuration of TelemetryX ${role}. Turn it on with:   systemctl enable --now telemetryx-${role}
# Check it with:   telemetryx ${role} --check --config /etc/telemetryx/${role}.yaml
# As it stands it serves this machine alone, with an embedded database that does not survive a power cut.

version: 1
data: /var/lib/telemetryx-${role}

# An example of everything else:
${keys.map((line) => (line.startsWith('#') ? line : `# ${line}`)).join('\n')}
`
}
