// From generated descriptors to what grpc-js serves and calls: paths, and messages to and from bytes.

import { fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from '@bufbuild/protobuf'
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2'
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
} from '@grpc/grpc-js'

/** A service with methods as protoc-gen-es generates it. */
export type AnyService = GenService<GenServiceMethods>

type In<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never
type Out<M> = M extends { output: infer O extends DescMessage } ? MessageShape<O> : never

type Handler<M> = M extends { methodKind: 'unary' }
  ? handleUnaryCall<In<M>, Out<M>>
  : M extends { methodKind: 'server_streaming' }
    ? handleServerStreamingCall<In<M>, Out<M>>
    : M extends { methodKind: 'client_streaming' }
      ? handleClientStreamingCall<In<M>, Out<M>>
      : handleBidiStreamingCall<In<M>, Out<M>>

/** What a server implements of service `S`. */
export type Implementation<S extends AnyService> = { [K in keyof S['method']]: Handler<S['method'][K]> }

/** Definitions of service `S` by method name (`sync`, `createRule`). */
export type Definition<S extends AnyService> = {
  readonly [K in keyof S['method']]: MethodDefinition<In<S['method'][K]>, Out<S['method'][K]>>
}

export function serviceDefinition<S extends AnyService>(service: S): Definition<S> {
  const definitions = Object.entries<DescMethod>(service.method).map(([name, method]) => [
    name,
    methodDefinition(service.typeName, method),
  ])
  return Object.fromEntries(definitions) as Definition<S>
}

function methodDefinition(typeName: string, method: DescMethod): MethodDefinition<unknown, unknown> {
  const { input, methodKind, name, output } = method
  return {
    path: `/${typeName}/${name}`,
    originalName: method.localName,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (message) => serialize(input, message),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => serialize(output, message),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  }
}

function serialize(schema: DescMessage, message: unknown): Buffer {
  return bufferOf(toBinary(schema, message as MessageShape<DescMessage>)) // grpc-js passes on what the typed call was given
}

/** The same memory. */
export function bufferOf({ buffer, byteLength, byteOffset }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
