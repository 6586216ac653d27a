// Programs in Python over Debian's grpcio, with code made from our .proto by Debian's protoc.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { generatePython, hasPythonGrpc } from '#test/uplinks/grpc/python.ts'
import { BrainBed, TOKENS } from './brain-bed.ts'

const REFLECTION = join(PACKAGE_ROOT, 'node_modules/@grpc/reflection/build/proto')
const HEALTH = join(PACKAGE_ROOT, 'node_modules/grpc-health-check/proto')

describe.skipIf(!hasPythonGrpc)(
  'A program in Python (needs python3-grpcio, protobuf-compiler-grpc, libprotobuf-dev)',
  () => {
    const code = mkdtempSync(join(tmpdir(), 'telemetryx-python-'))
    const bed = new BrainBed()
    beforeAll(async () => {
      generatePython(code)
      // Under another name: a folder `grpc` would stand beside Debian's package of that name.
      mkdirSync(join(code, 'grpc_reflection'))
      copyFileSync(
        join(REFLECTION, 'grpc/reflection/v1/reflection.proto'),
        join(code, 'grpc_reflection/reflection.proto'),
      )
      generate(code, 'grpc_reflection/reflection.proto')
      generate(HEALTH, 'health/v1/health.proto')
      await bed.start()
    })
    afterAll(async () => {
      await bed.close()
      rmSync(code, { recursive: true, force: true })
    })

    /** Debian's protoc and plugin, for a proto file that is not ours. */
    function generate(folder: string, file: string): void {
      const plugin = '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin'
      const out = [`--python_out=${code}`, `--grpc_python_out=${code}`, plugin]
      const { status, stderr } = spawnSync('protoc', ['-I', folder, ...out, join(folder, file)], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`protoc: ${stderr}`)
    }

    async function run(script: string, ...words: string[]): Promise<string> {
      const child = spawn('/usr/bin/python3', [script, ...words], {
        env: { ...process.env, PYTHONPATH: code, PYTHONDONTWRITEBYTECODE: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
      await once(child, 'close')
      return output
    }

    function script(text: string): string {
      const file = join(code, `script-${text.length}.py`)
      writeFileSync(file, text)
      return file
    }

    const address = (): string => `127.0.0.1:${bed.brain.ports.grpc}`

    it('makes a rule, tries it and reads it back: the example of the documentation', async () => {
      const output = await run(join(PACKAGE_ROOT, 'docs/examples/grpc/rules.py'), address(), TOKENS.engineer)
      expect(output.trim().split('\n')).toEqual([
        'made press-hot, revision 1',
        'reading 1: press-1.oil-temperature is at 91.5',
        'refused: INVALID_ARGUMENT rule.condition',
        'rules: press-hot',
      ])
    })

    it('asks for the health of the brain and of each service', async () => {
      const output = await run(
        script(`
import sys, grpc
from health.v1 import health_pb2, health_pb2_grpc
stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(sys.argv[1]))
for name in ['', 'telemetryx.v1.RulesService', 'telemetryx.v1.IngestService']:
    print(stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status)
try:
    stub.Check(health_pb2.HealthCheckRequest(service='nobody'), timeout=10)
except grpc.RpcError as error:
    print(error.code().name)
`),
        address(),
      )
      expect(output.trim().split('\n')).toEqual(['1', '1', '1', 'NOT_FOUND'])
    })

    it('asks which services there are and what their messages look like', async () => {
      const output = await run(
        script(`
import sys, grpc
from google.protobuf import descriptor_pb2
from grpc_reflection import reflection_pb2 as reflection
channel = grpc.insecure_channel(sys.argv[1])
for version in ['v1', 'v1alpha']:
    ask = channel.stream_stream(
        f'/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo',
        request_serializer=reflection.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection.ServerReflectionResponse.FromString)
    [answer] = ask(iter([reflection.ServerReflectionRequest(list_services='*')]), timeout=10)
    print(version, ' '.join(sorted(one.name for one in answer.list_services_response.service)))
    symbol = reflection.ServerReflectionRequest(file_containing_symbol='telemetryx.v1.RulesService')
    [answer] = ask(iter([symbol]), timeout=10)
    files = [descriptor_pb2.FileDescriptorProto.FromString(one) for one in answer.file_descriptor_response.file_descriptor_proto]
    [rules] = [one for one in files if one.name == 'telemetryx/v1/rules.proto']
    print(' '.join(method.name for method in rules.service[0].method))
`),
        address(),
      )
      const services = 'grpc.health.v1.Health telemetryx.v1.IngestService telemetryx.v1.RulesService'
      const methods = 'CreateRule GetRule ListRules UpdateRule DeleteRule Evaluate'
      expect(output.trim().split('\n')).toEqual([`v1 ${services}`, methods, `v1alpha ${services}`, methods])
    })
  },
)
