import { hash, type Member, type Serve } from './member.js';

/** Who takes the calls of one service in one partition. */
export class Route {
  private readonly every: Member[] = [];
  private readonly own = new Map<string, Member[]>();
  /** of stateless methods: each member with the places that it has in all */
  private readonly byMethod = new Map<string, Map<Member, number>>();
  private readonly seed: number;

  constructor(service: string, partition: number) {
    this.seed = hash(`${service}/${partition}/`);
  }

  add(member: Member, { objectId, methods, concurrency }: Serve): void {
    if (objectId === undefined) {
      if (!this.every.includes(member)) this.every.push(member);
    } else {
      const owners = this.own.get(objectId) ?? [];
      if (!owners.includes(member)) owners.push(member);
      this.own.set(objectId, owners);
    }
    for (const method of new Set(methods)) {
      const places = this.byMethod.get(method) ?? new Map<Member, number>();
      places.set(member, (places.get(member) ?? 0) + concurrency);
      this.byMethod.set(method, places);
    }
  }

  /** The one member that runs calls of an object: one of its own agents, or else one of those for every object. */
  ownerOf(objectId: string): Member | undefined {
    const members = (this.own.size === 0 ? undefined : this.own.get(objectId)) ?? this.every;
    if (members.length < 2) return members[0];
    const object = hash(objectId, this.seed);
    let best: Member | undefined;
    let most = -1;
    for (const member of members) {
      const score = member.score(object);
      if (score > most || (score === most && member.id > (best?.id ?? ''))) [best, most] = [member, score];
    }
    return best;
  }

  membersFor(method: string): ReadonlyMap<Member, number> | undefined {
    return this.byMethod.get(method);
  }
}

/** Names that nobody serves must not pile up. */
const MOST = 1000;

/** The routes of all services, made anew when members have changed. */
export class Routes {
  private readonly known = new Map<string, Map<number, Route>>();

  /** @param members those that are there */
  constructor(private readonly members: () => Iterable<readonly [Member, readonly Serve[]]>) {}

  forget(): void {
    this.known.clear();
  }

  find(service: string, partition: number): Route {
    if (this.known.size > MOST) this.known.clear();
    const partitions = this.known.get(service) ?? new Map<number, Route>();
    this.known.set(service, partitions);
    let route = partitions.get(partition);
    if (route === undefined) {
      route = new Route(service, partition);
      for (const [member, serves] of this.members())
        for (const serve of serves)
          if (serve.service === service && serve.partition === partition) route.add(member, serve);
      partitions.set(partition, route);
    }
    return route;
  }
}
