/** Serves gRPC reflection (v1 and v1alpha), so that grpcurl and buf curl work without .proto files. */
import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { invariant } from '../invariant.js';

/** Protocol between brokers: of no use to clients, who cannot reach it anyway. */
const PRIVATE_FILES = 'bellwether/raft/';

/** Field numbers of google.protobuf.FileDescriptorSet.file and FileDescriptorProto.name. */
const FILE_FIELD = 1;
const NAME_FIELD = 1;

/** What `Server.addService` takes. */
type Service = Parameters<Server['addService']>;

let services: readonly Service[] | undefined;

/**
 * Adds the reflection services of the client listener.
 *
 * They serve the descriptors as buf compiled them. Loading them through proto-loader would lose the
 * imports between files (grpc-node #2934, #3018), and clients would fail to resolve types.
 */
export function addReflectionService(server: Pick<Server, 'addService'>): void {
  // Made once for all brokers of a process: it takes some 50 ms, and nothing in it is of one server.
  services ??= makeServices();
  for (const [definition, handlers] of services) server.addService(definition, handlers);
}

function makeServices(): readonly Service[] {
  const fileDescriptorProtos = publicDescriptors(readFileSync(descriptorsUrl()));
  // The constructor reads only `fileDescriptorProtos`; an enum's is the smallest package definition.
  const packageDefinition = {
    all: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  } as const;
  const made: Service[] = [];
  new ReflectionService(packageDefinition).addToServer({
    addService: (...service) => made.push(service),
  });
  return made;
}

/** The files of a FileDescriptorSet that clients may see, each as the bytes of its FileDescriptorProto. */
export function publicDescriptors(descriptorSet: Uint8Array): Buffer[] {
  return [...lengthDelimited(descriptorSet, FILE_FIELD)]
    .filter((file) => !fileName(file).startsWith(PRIVATE_FILES))
    .map((file) => Buffer.from(file));
}

/** gen/ is two folders up from src/rpc/reflection.ts, and three from dist/src/rpc/reflection.js. */
function descriptorsUrl(): URL {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  return new URL(`${root}gen/descriptors.binpb`, import.meta.url);
}

function fileName(file: Uint8Array): string {
  const [name] = lengthDelimited(file, NAME_FIELD);
  invariant(name !== undefined, 'every file descriptor has a name');
  return new TextDecoder().decode(name);
}

/** The values of one length-delimited field, in the order of the message. */
function* lengthDelimited(message: Uint8Array, field: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field && wireType === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(wireType);
  }
}
