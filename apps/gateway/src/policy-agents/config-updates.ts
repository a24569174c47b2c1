import { messageOf } from '@berth/errors';
import type { ConfigChange, ConfigUpdate, RuleDefinition } from '@berth/policy-agents';
import { Recent } from './recent.js';

/** What the agent is told. */
export interface UpdateReply {
  readonly accepted: boolean;
  readonly error?: string | undefined;
}

/** One wish of an agent, as it is shown. */
export interface ShownUpdate {
  /** ms since the epoch */
  readonly at: number;
  readonly requestId: string;
  readonly kind: ConfigChange['kind'];
  readonly accepted: boolean;
  /** why not; empty otherwise */
  readonly error: string;
  /** what it was about, for people */
  readonly what: string;
}

const REMEMBERED = 50;
/** Rule sets and lists, each. */
const MAX_GROUPS = 64;
/** Rules of all sets, and entries of all lists. */
const MAX_ENTRIES = 10_000;
/** Characters of all that is kept, rules and lists each. */
const MAX_CHARS = 1_048_576;
const SHOWN_CHARS = 256;
/** Between two reloads that an agent causes, ms. */
const RELOAD_MS = 10_000;

/** What an agent wants of the gateway's configuration, and what is kept of it (checklist C18). */
export class ConfigUpdates {
  readonly recent = new Recent<ShownUpdate>(REMEMBERED);
  readonly rules = new Map<string, Map<string, RuleDefinition>>();
  readonly lists = new Map<string, Set<string>>();
  private reloadedAt = -Infinity;

  /**
   * @param reload looks the settings up again; throws why it cannot be done
   * @param now monotonic ms
   */
  constructor(
    private readonly reload: () => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param accepted kinds that the operator lets the agent have */
  take({ change, requestId }: ConfigUpdate, accepted: readonly string[]): ShownUpdate {
    const reply = this.reply(change, accepted);
    const shown = {
      at: Date.now(),
      requestId: requestId.slice(0, SHOWN_CHARS),
      kind: change.kind,
      accepted: reply.accepted,
      error: reply.error ?? '',
      what: describe(change).slice(0, SHOWN_CHARS),
    };
    this.recent.add(shown);
    return shown;
  }

  private reply(change: ConfigChange, accepted: readonly string[]): UpdateReply {
    // There is nothing to do about them but to say so.
    if (change.kind === 'restart' || change.kind === 'error') return { accepted: true };
    if (!accepted.includes(change.kind))
      return refused(`the gateway takes no ${change.kind} of this agent (acceptUpdates)`);
    if (change.kind === 'reload') return this.reloaded();
    return change.kind === 'rules' ? this.takeRules(change) : this.takeList(change);
  }

  private reloaded(): UpdateReply {
    const now = this.now();
    if (now - this.reloadedAt < RELOAD_MS) return refused(`the last reload was less than ${RELOAD_MS} ms ago`);
    this.reloadedAt = now;
    try {
      this.reload();
      return { accepted: true };
    } catch (thrown) {
      return refused(messageOf(thrown).slice(0, SHOWN_CHARS));
    }
  }

  private takeRules({ removeRules, rules, ruleSet }: Extract<ConfigChange, { kind: 'rules' }>): UpdateReply {
    const changed = new Map(this.rules.get(ruleSet));
    for (const id of removeRules) changed.delete(id);
    for (const rule of rules) changed.set(rule.id, rule);
    return keep(this.rules, ruleSet, changed, (all) =>
      [...all.values()].reduce((sum, rule) => sum + JSON.stringify(rule).length, 0),
    );
  }

  private takeList({ add, listId, remove }: Extract<ConfigChange, { kind: 'list' }>): UpdateReply {
    const changed = new Set(this.lists.get(listId));
    for (const item of remove) changed.delete(item);
    for (const item of add) changed.add(item);
    return keep(this.lists, listId, changed, (all) => [...all].reduce((sum, item) => sum + item.length, 0));
  }
}

/** Whole or not at all. @param charsOf what a group takes */
function keep<G extends { readonly size: number }>(
  all: Map<string, G>,
  name: string,
  group: G,
  charsOf: (group: G) => number,
): UpdateReply {
  if (name === '' || name.length > SHOWN_CHARS) return refused(`a name must have 1 to ${SHOWN_CHARS} characters`);
  if (group.size === 0) {
    all.delete(name);
    return { accepted: true };
  }
  const others = [...all].filter(([other]) => other !== name).map(([, one]) => one);
  if (others.length >= MAX_GROUPS) return refused(`the gateway keeps ${MAX_GROUPS} of them`);
  const groups = [...others, group];
  if (groups.reduce((sum, { size }) => sum + size, 0) > MAX_ENTRIES)
    return refused(`the gateway keeps ${MAX_ENTRIES} entries`);
  if (groups.reduce((sum, one) => sum + charsOf(one), 0) > MAX_CHARS)
    return refused(`the gateway keeps ${MAX_CHARS} characters`);
  all.set(name, group);
  return { accepted: true };
}

const refused = (error: string): UpdateReply => ({ accepted: false, error });

function describe(change: ConfigChange): string {
  switch (change.kind) {
    case 'reload':
      return '';
    case 'rules':
      return `${change.ruleSet}: ${change.rules.length} rules, ${change.removeRules.length} taken out`;
    case 'list':
      return `${change.listId}: ${change.add.length} entries, ${change.remove.length} taken out`;
    case 'restart':
      return `${change.reason} (within ${change.gracePeriodMs} ms)`;
    case 'error':
      return change.field === undefined ? change.error : `${change.field}: ${change.error}`;
  }
}
