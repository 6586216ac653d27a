// /etc/telemetryx/gateway.yaml: the repository's configuration with the paths of an installed gateway.

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
