/** How the pool reaches an agent that it dials itself (checklist C3). */
export type Endpoint =
  { readonly transport: 'unix'; readonly path: string } | { readonly transport: 'grpc'; readonly target: string };

/** A Unix socket is `unix:…`, an absolute path, or whatever ends with `.sock`; all else is a gRPC target. */
export function endpointOf(text: string): Endpoint {
  if (text.startsWith('unix:')) return { transport: 'unix', path: text.slice('unix:'.length) };
  if (text.startsWith('/') || text.endsWith('.sock')) return { transport: 'unix', path: text };
  return { transport: 'grpc', target: text };
}
