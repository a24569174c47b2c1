import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';
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
  const root: unknown = new protobuf.Root().loadSync(files, { keepCase: true });
  const { file: described } = (root as Describable).toDescriptor('proto3');
  const fileDescriptorProtos = described.map((file) => {
    for (const message of file.messageType) correct(message, `.${file.package}.${message.name}`);
    return descriptor.FileDescriptorProto.encode(file).finish();
  });
  return { files: { fileDescriptorProtos } } as unknown as PackageDefinition;
}

/** What protobufjs' `ext/descriptor` makes of a root, which its types leave out. */
interface Describable {
  toDescriptor(syntax: string): { file: { package: string; messageType: MessageDescriptor[] }[] };
}
interface MessageDescriptor {
  name: string;
  field: { typeName: string; proto3_optional?: boolean; proto3Optional?: boolean }[];
  nestedType: MessageDescriptor[];
  options?: { mapEntry?: boolean } | null;
}

/**
 * protobufjs names the entries of the map `options` `Options`, where protoc says
 * `OptionsEntry`, and misspells that a field is `optional`. Go's protobuf, and so
 * grpcurl, refuses the first, and loses the second.
 */
function correct(message: MessageDescriptor, fullName: string): void {
  for (const field of message.field) {
    const entry = message.nestedType.find(({ name, options }) => options?.mapEntry === true && name === field.typeName);
    if (entry !== undefined) {
      entry.name += 'Entry';
      field.typeName = `${fullName}.${entry.name}`;
    }
    if (field.proto3_optional === true) field.proto3Optional = true;
  }
}
