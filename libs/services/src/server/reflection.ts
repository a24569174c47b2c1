import type { Server } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { protoFile } from '@berth/node-runtime';

let described: PackageDefinition | undefined;

/** Server reflection v1 and v1alpha, which describe oprc.OprcFunction and, when it is served, health. */
export function addReflection(server: Server, health: boolean): void {
  described ??= describe([protoFile('oprc/oprc.proto'), healthProto]);
  const services = ['oprc.OprcFunction', ...(health ? ['grpc.health.v1.Health'] : [])];
  new ReflectionService(described, { services }).addToServer(server);
}

/** The descriptors of proto files, which are all that reflection takes of a package definition. */
function describe(files: string[]): PackageDefinition {
  const definitions = Object.values(loadSync(files, { keepCase: true })) as { fileDescriptorProtos?: Uint8Array[] }[];
  const given = definitions.find(
    ({ fileDescriptorProtos }) => fileDescriptorProtos !== undefined,
  )?.fileDescriptorProtos;
  const corrected = (given ?? []).map((bytes) => {
    const file = descriptor.FileDescriptorProto.decode(bytes) as unknown as FileDescriptor;
    for (const message of file.messageType) correct(message, `.${file.package}.${message.name}`);
    return descriptor.FileDescriptorProto.encode(file).finish();
  });
  return { files: { fileDescriptorProtos: corrected } } as unknown as PackageDefinition;
}

interface FieldDescriptor {
  name: string;
  typeName: string;
  oneofIndex: number;
  proto3Optional: boolean;
}
interface MessageDescriptor {
  name: string;
  field: FieldDescriptor[];
  nestedType: MessageDescriptor[];
  oneofDecl: { name: string }[];
  options?: { mapEntry?: boolean } | null;
}
interface FileDescriptor {
  package: string;
  messageType: MessageDescriptor[];
}

/**
 * protobufjs names the entries of a map `Options`, where protoc says
 * `OptionsEntry`, and forgets that a field is `optional`. Go's protobuf, and so
 * grpcurl, refuses the first, and loses the second.
 */
function correct(message: MessageDescriptor, fullName: string): void {
  for (const nested of message.nestedType) {
    const field = message.field.find(({ typeName }) => typeName === nested.name);
    if (nested.options?.mapEntry === true && field !== undefined) {
      nested.name = entryName(field.name);
      field.typeName = `${fullName}.${nested.name}`;
    } else correct(nested, `${fullName}.${nested.name}`);
  }
  for (const field of message.field) {
    const oneof = Object.hasOwn(field, 'oneofIndex') ? message.oneofDecl[field.oneofIndex] : undefined;
    if (oneof?.name === `_${field.name}`) field.proto3Optional = true;
  }
}

/** As protoc makes it of a field's name: `some_options` is `SomeOptionsEntry`. */
function entryName(field: string): string {
  return `${field.replaceAll(/(?:^|_)([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())}Entry`;
}
