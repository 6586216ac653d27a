// Who may call: tokens to callers with tenant and scopes. Only hashes of tokens are kept.

import { createHash } from 'node:crypto'
import { ServerInterceptingCall, type Metadata, type ServerInterceptor } from '@grpc/grpc-js'
import type { BrainRole, BrainToken } from '#config/brain-config.ts'
import type { Log } from '#domain/driver.ts'
import { bearerToken } from '#rpc/server.ts'
import type { AnyCall, Caller, Scope } from '../service.ts'
import { CallError, statusOf } from './answers.ts'

const SCOPES: Readonly<Record<BrainRole, readonly Scope[]>> = {
  gateway: ['ingest'],
  viewer: ['read'],
  engineer: ['read', 'write'],
  admin: ['ingest', 'read', 'write'],
}

/** Health and reflection tell nothing that is not public. */
const OPEN = /^\/grpc\.(?:health|reflection)\./

/** On loopback without tokens: whoever is on this machine. */
const ANYONE: Caller = {
  name: 'local',
  tenant: 'default',
  scopes: new Set<Scope>(['ingest', 'read', 'write']),
  gateways: null,
}

export class Access {
  readonly #callers: ReadonlyMap<string, Caller>
  readonly #known = new WeakMap<object, Caller>()

  constructor(tokens: readonly BrainToken[]) {
    this.#callers = new Map(
      tokens.map(({ gateways, name, role, tenant, token }) => [
        hashOf(token),
        {
          name,
          tenant,
          scopes: new Set(SCOPES[role]),
          gateways: gateways.length === 0 ? null : new Set(gateways),
        },
      ]),
    )
  }

  /** null: the token is missing or wrong. */
  identify(metadata: Metadata): Caller | null {
    if (this.#callers.size === 0) return ANYONE
    const token = bearerToken(metadata)
    return token === null ? null : (this.#callers.get(hashOf(token)) ?? null)
  }

  remember(metadata: Metadata, caller: Caller): void {
    this.#known.set(metadata, caller)
  }

  /** null: nobody that is known, as for open methods. */
  nameOf(metadata: object): string | null {
    return this.#known.get(metadata)?.name ?? null
  }

  /** Refuses with UNAUTHENTICATED, PERMISSION_DENIED. */
  caller({ metadata }: AnyCall, scope: Scope): Caller {
    const caller = this.#known.get(metadata)
    if (caller === undefined) throw unknownCaller(null)
    if (!caller.scopes.has(scope))
      throw new CallError('PERMISSION_DENIED', `The token ${caller.name} does not allow to ${WORDS[scope]}`, {
        reason: 'ROLE_NOT_ENOUGH',
      })
    return caller
  }
}

const WORDS: Readonly<Record<Scope, string>> = {
  ingest: 'hand in records',
  read: 'read and evaluate',
  write: 'change rules and models',
}

/** Lets a call pass when its token is known. */
export function authenticating(access: Access, log: Log): ServerInterceptor {
  return (method, call) => {
    if (OPEN.test(method.path)) return new ServerInterceptingCall(call)
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const caller = access.identify(metadata)
            if (caller === null) {
              call.sendStatus(statusOf(unknownCaller(bearerToken(metadata)), log))
              return
            }
            access.remember(metadata, caller)
            pass(metadata)
          },
        }),
    })
  }
}

function unknownCaller(token: string | null): CallError {
  const reason = token === null ? 'TOKEN_MISSING' : 'TOKEN_UNKNOWN'
  return new CallError('UNAUTHENTICATED', token === null ? 'The token is missing' : 'The token is not known', {
    reason,
  })
}

/** A token carries enough random bits that a plain hash is enough; looking a hash up tells nothing of the token by its time. */
function hashOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex')
}
