// The services that every gRPC server should have: grpc.health.v1 and server reflection (v1 and v1alpha).

import { toBinary, type DescFile } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation, service as healthService } from 'grpc-health-check'
import { file_telemetryx_v1_analytics } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { file_telemetryx_v1_ingest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { file_telemetryx_v1_rules } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import type { RpcServer } from '#rpc/server.ts'

const FILES = [file_telemetryx_v1_ingest, file_telemetryx_v1_rules, file_telemetryx_v1_analytics]
const HEALTH = 'grpc.health.v1.Health'

/** What grpc-js' package definitions look like where reflection reads them. */
type Package = ConstructorParameters<typeof ReflectionService>[0]

export class Health {
  readonly #services: readonly string[]
  readonly #implementation: HealthImplementation

  /** @param services full names; the name '' stands for the server as a whole. */
  constructor(services: readonly string[]) {
    this.#services = ['', ...services]
    this.#implementation = new HealthImplementation(
      Object.fromEntries(this.#services.map((name) => [name, 'NOT_SERVING'])),
    )
  }

  addTo({ grpc }: RpcServer): void {
    this.#implementation.addToServer(grpc)
  }

  /** Tells all services' state, also to those who watch. */
  set(isServing: boolean): void {
    for (const name of this.#services) this.#implementation.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING')
  }
}

/** Clients that have no .proto ask the server for it: `grpcurl -plaintext HOST:PORT list`. */
export function addReflection({ grpc }: RpcServer, services: readonly string[]): void {
  const files = new Map<string, Buffer>()
  for (const file of FILES) collect(file, files)
  const described = { fileDescriptorProtos: [...files.values()] }
  const health = healthService['Check']?.requestType ?? {}
  const root = { telemetryx: described, health } as unknown as Package // of a package, only these fields are read
  new ReflectionService(root, { services: [...services, HEALTH] }).addToServer(grpc)
}

function collect(file: DescFile, into: Map<string, Buffer>): void {
  const name = `${file.name}.proto`
  if (into.has(name)) return
  into.set(name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)))
  for (const dependency of file.dependencies) collect(dependency, into)
}
