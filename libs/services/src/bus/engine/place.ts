/** What is in a message key, {@link invocationKey}. */
export interface Place {
  readonly service: string;
  readonly partition: number;
  readonly objectId: string | undefined;
  readonly method: string;
}

/** Keys come again and again; this many are remembered, and then none. */
const PLACES = 1000;
const KEY = /^oprc\/([^/]+)\/(\d{1,10})\/(?:objects\/([^/]+)\/)?invokes\/(.+)$/s;

const places = new Map<string, Place>();

/** The way back from {@link invocationKey}. @returns undefined: it is no key */
export function placeOf(key: string): Place | undefined {
  const known = places.get(key);
  if (known !== undefined) return known;
  const [, service, partition, objectId, method] = KEY.exec(key) ?? [];
  if (service === undefined || method === undefined) return undefined;
  // Copies: a part of a string would keep the whole of it.
  const own = (text: string): string => Buffer.from(text).toString();
  const place: Place = {
    service: own(service),
    partition: Number(partition),
    objectId: objectId === undefined ? undefined : own(objectId),
    method: own(method),
  };
  if (places.size >= PLACES) places.clear();
  places.set(key, place);
  return place;
}
