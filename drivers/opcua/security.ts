// The security settings of a device made complete: names of the YAML, URIs of the wire, defaults.

import type { OpcuaDeviceConfig } from './schema.ts'

export type SecurityMode = 'None' | 'Sign' | 'SignAndEncrypt'

const POLICY_NAMES = {
  None: 'None',
  Basic256Sha256: 'Basic256Sha256',
  Aes128_Sha256_RsaOaep: 'Aes128_Sha256_RsaOaep',
  Aes256_Sha256_RsaPss: 'Aes256_Sha256_RsaPss',
  Aes128: 'Aes128_Sha256_RsaOaep',
  Aes256: 'Aes256_Sha256_RsaPss',
} as const
export type PolicyName = (typeof POLICY_NAMES)[keyof typeof POLICY_NAMES]

export interface Security {
  readonly policy: PolicyName
  /** As endpoints name it. OPC UA Part 7 §6.6 */
  readonly policyUri: string
  readonly mode: SecurityMode
  readonly acceptExpired: boolean
}

export function securityOf(connection: OpcuaDeviceConfig['connection']): Security {
  const { policy: written = 'None', mode, acceptExpired = false } = connection.security ?? {}
  const policy = POLICY_NAMES[written]
  return {
    policy,
    policyUri: `http://opcfoundation.org/UA/SecurityPolicy#${policy}`,
    mode: mode ?? (policy === 'None' ? 'None' : 'SignAndEncrypt'),
    acceptExpired,
  }
}
