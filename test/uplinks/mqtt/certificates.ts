// Certificates for the tests, made by the machine's openssl: an authority, a broker's and a client's, and a stranger's.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export interface Certificates {
  readonly folder: string
  /** Path of a file in the folder: `ca.pem`, `broker.pem`, `broker.key`, `client.pem`, `client.key`, `stranger.pem`. */
  path(name: string): string
  text(name: string): string
}

/** Valid for 127.0.0.1 and one day. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-certificates-'))
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'stranger']) {
    openssl(
      'req',
      '-x509',
      ...EC,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '1',
      '-subj',
      `/CN=${name}`,
    )
  }
  for (const name of ['broker', 'client']) {
    openssl(
      'req',
      '-x509',
      ...EC,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '1',
      '-subj',
      `/CN=${name}`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    )
  }
  const path = (name: string): string => join(folder, name)
  return { folder, path, text: (name) => readFileSync(path(name), 'utf8') }
}
