import { ApiProperty } from '@nestjs/swagger';
import { type EffectivePolicy, idleRules, lockout, partOf, POLICY_RULES, valueAt } from '../policy/index.js';

/** What stands for passwords and tokens. */
const HIDDEN = '***';

/** One rule that somebody has set. */
class SetRuleDto {
  @ApiProperty({ example: 'rate.requestsPerSecond', description: 'path within the policy' })
  rule!: string;

  @ApiProperty({ example: 50, description: 'its value; passwords and tokens are hidden' })
  value!: unknown;

  @ApiProperty({
    example: 'policies."web-*"',
    description: 'where that is said: the setting, or the request that changed it',
  })
  source!: string;
}

/** `GET /agents/:id/policy` */
export class PolicyDto {
  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({ example: 'default', description: 'local service' })
  service!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { rate: { requestsPerSecond: 50, burst: 0 } },
    description: 'all rules with their values, as `policies` takes them; passwords and tokens are hidden',
  })
  policy!: object;

  @ApiProperty({ type: [SetRuleDto], description: 'rules that somebody has set; all others have no effect' })
  set!: SetRuleDto[];

  @ApiProperty({ type: [String], description: 'what is allowed and probably not meant' })
  warnings!: string[];
}

export function describePolicy(
  agentId: string,
  service: string,
  effective: EffectivePolicy,
  warnings: string[],
): PolicyDto {
  const shown: { path: string; value: unknown }[] = [];
  const set: SetRuleDto[] = [];
  for (const { path, secret } of POLICY_RULES) {
    const value = valueAt(effective.policy, path);
    const safe = secret === true ? hidden(value) : value;
    shown.push({ path, value: safe });
    const source = effective.sources.get(path);
    if (source !== undefined) set.push({ rule: path, value: safe, source });
  }
  const locked = lockout(effective.policy);
  const all = [...(locked === undefined ? [] : [`nobody can use the port: ${locked}`]), ...warnings];
  all.push(...idleRules(effective.policy));
  return { agent_id: agentId, service, policy: partOf(shown), set, warnings: all };
}

function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => HIDDEN);
  return Object.fromEntries(Object.keys(value as object).map((name) => [name, HIDDEN]));
}
