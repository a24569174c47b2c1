import type { Subscription } from '../invocation-bus.js';
import type { Part, Serve } from './member.js';

/** Most bytes of one part of what a process serves, unless one alone has more. */
const PART_BYTES = 128 * 1024;

/** What this process serves, in versions: each change is told as it is made, and all of it to whoever asks. */
export class Served {
  /** counts the changes */
  version = 0;
  /** by {@link Serve.since}, which rises */
  private readonly all = new Map<number, Serve>();

  /** One more, of the next version. */
  next({ service, partition, objectId, statelessMethods, concurrency }: Subscription): Serve {
    const since = this.version + 1;
    return { service, partition, objectId, methods: [...statelessMethods], concurrency, since };
  }

  /** A new version. @returns what is to be told of it */
  change(added: readonly Serve[] = [], gone: readonly number[] = []): Part {
    const base = this.version;
    this.version += 1;
    for (const serve of added) this.all.set(serve.since, serve);
    for (const since of gone) this.all.delete(since);
    return { base, version: this.version, serves: added, gone };
  }

  /** A new version with nothing. */
  clear(): Part {
    this.all.clear();
    return { ...this.change(), base: -1, gone: undefined };
  }

  /** All of it, in parts for {@link Member.follows}. @param most bytes of what the carrier takes */
  *parts(most: number): Iterable<Part> {
    let base = -1;
    let serves: Serve[] = [];
    let bytes = 0;
    for (const serve of this.all.values()) {
      const length = Buffer.byteLength(JSON.stringify(serve)) + 1;
      const before = serves.at(-1);
      if (before !== undefined && bytes + length > Math.min(most, PART_BYTES)) {
        yield { base, version: before.since, serves, more: true };
        [base, serves, bytes] = [before.since, [], 0];
      }
      serves.push(serve);
      bytes += length;
    }
    yield { base, version: this.version, serves };
  }
}
