import protobuf from 'protobufjs';
import { bundledFile, protoFile } from '@berth/node-runtime';
import { FrameField, encodeFrame } from './frame-encoder.js';
import type {
  Capacity,
  ConfigAck,
  ConfigPush,
  Goaway,
  Health,
  Hello,
  MetricsReport,
  PeerLimits,
  Refused,
  ServiceList,
  ServiceListReply,
  Welcome,
} from './frames.js';

/**
 * Frames of the connection are rare, so protobufjs does them from the schema;
 * only frames of exchanges are coded by hand.
 */
const SCHEMA = 'berth/tunnel/v1/tunnel.proto';
const bundled = bundledFile(SCHEMA);
const root = bundled === undefined ? protobuf.loadSync(protoFile(SCHEMA)) : protobuf.parse(String(bundled)).root;

/** What each frame of a connection says. */
export interface ControlBodies {
  hello: Hello;
  welcome: Welcome;
  refused: Refused;
  goaway: Goaway;
  ping: { sequence: number };
  pong: { sequence: number };
  health: Health;
  pause: object;
  resume: object;
  capacity: Capacity;
  metricsReport: MetricsReport;
  configPush: ConfigPush;
  configAck: ConfigAck;
  services: ServiceList;
  servicesReply: ServiceListReply;
}
export type ControlKind = keyof ControlBodies;

const types: Record<ControlKind, protobuf.Type> = {
  hello: root.lookupType('berth.tunnel.v1.Hello'),
  welcome: root.lookupType('berth.tunnel.v1.Welcome'),
  refused: root.lookupType('berth.tunnel.v1.Refused'),
  goaway: root.lookupType('berth.tunnel.v1.Goaway'),
  ping: root.lookupType('berth.tunnel.v1.Ping'),
  pong: root.lookupType('berth.tunnel.v1.Pong'),
  health: root.lookupType('berth.tunnel.v1.Health'),
  pause: root.lookupType('berth.tunnel.v1.Pause'),
  resume: root.lookupType('berth.tunnel.v1.Resume'),
  capacity: root.lookupType('berth.tunnel.v1.Capacity'),
  metricsReport: root.lookupType('berth.tunnel.v1.MetricsReport'),
  configPush: root.lookupType('berth.tunnel.v1.ConfigPush'),
  configAck: root.lookupType('berth.tunnel.v1.ConfigAck'),
  services: root.lookupType('berth.tunnel.v1.Services'),
  servicesReply: root.lookupType('berth.tunnel.v1.ServicesReply'),
};

const NO_LIMITS: PeerLimits = { maxExchanges: 0, initialWindowBytes: 0 };

/** One `Batch.frames` entry as a Latin-1 string. */
export function encodeControl<K extends ControlKind>(kind: K, body: ControlBodies[K]): string {
  return encodeFrame.connection(FrameField[kind], types[kind].encode(body).finish());
}

/**
 * The body of a connection frame, absent fields filled with their defaults.
 *
 * @throws Error when the bytes are not that message
 */
export function decodeControl<K extends ControlKind>(kind: K, bytes: Uint8Array): ControlBodies[K] {
  const type = types[kind];
  const plain = type.toObject(type.decode(bytes), { defaults: true, arrays: true, objects: true, longs: Number });
  if ('limits' in plain) plain['limits'] = { ...NO_LIMITS, ...(plain['limits'] as PeerLimits | null) };
  return plain as ControlBodies[K];
}
