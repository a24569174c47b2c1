/** Payloads are bytes, which grpcurl writes as base64. */
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Lines that work when they are pasted into a shell, with what they do. */
export function thingsToTry(address: string): string {
  const plain = `grpcurl -plaintext`;
  const invoke = (method: string, request: object): string =>
    `${plain} -d '${JSON.stringify(request)}' ${address} oprc.OprcFunction/${method}`;
  const shorten = base64('{"text":"one two three","words":2}');
  const hints = [
    ['what is served', `${plain} ${address} list`],
    ['its messages', `${plain} ${address} describe oprc.OprcFunction`],
    ['how it is', `${plain} ${address} grpc.health.v1.Health/Check`],
    ['a function', invoke('InvokeFn', { cls_id: 'example.TextTools', fn_id: 'shorten', payload: shorten })],
    ['an object', invoke('InvokeObj', { cls_id: 'example.Counter', fn_id: 'next', object_id: 'visits' })],
    ['for agents only', invoke('InvokeObj', { cls_id: 'example.Counter', fn_id: 'add', object_id: 'visits' })],
  ] as const;
  const lines = hints.map(([what, line]) => `  # ${what}\n  ${line}`).join('\n');
  return `${lines}\n\nPayloads are base64 there; read one with: … | grep payload | cut -d'"' -f4 | base64 -d`;
}
