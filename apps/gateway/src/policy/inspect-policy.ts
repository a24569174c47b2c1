import { Choice, Integer, List, Switch } from '@berth/config';
import { checkPaths } from '../policy-agents/index.js';
import { checkAgentNames, checkHeaderNames, checkMediaTypes } from './policy-checks.js';

/** Which programs judge what passes. */
export class InspectPolicy {
  @List({
    check: checkAgentNames,
    description:
      'Policy agents that are asked, by their names in `policyAgents`, in this order; none: nobody is. See docs/policy-agents.md.',
  })
  agents: string[] = [];

  @Choice(['sequence', 'parallel'], {
    description:
      'They are asked one after the other, each about what the one before has left, or all at once; then bodies stay as they are.',
  })
  mode: 'sequence' | 'parallel' = 'sequence';

  @List({
    check: checkPaths,
    description:
      'Paths that they are asked about, without the query: exact or with `*` for any characters, such as `/admin/*`; none: all. A path counts as it was sent and as services read it (`%2F`, `//`, `..`).',
  })
  paths: string[] = [];

  @List({ check: checkHeaderNames, description: 'Methods that they are asked about; none: all.' })
  methods: string[] = [];

  @List({
    check: checkMediaTypes,
    description: 'Media types of the bodies that they see, exact or such as `text/*`; none: all.',
  })
  contentTypes: string[] = [];

  @Switch({
    description:
      'Bodies that agents see may become longer or shorter: they pass without Content-Length, digests and ranges, and services are not asked for compressed ones.',
  })
  mutableBodies = false;

  @Switch({
    description:
      'Texts for language models and from them, in JSON as OpenAI and Anthropic have it, are shown to agents that ask for them.',
  })
  guardrails = false;

  @Integer(0, Number.MAX_SAFE_INTEGER, {
    description:
      'Bytes of one body, or of one WebSocket message, that are held for an agent which wants to see more before it decides. With more, the exchange goes by the agent’s `whenUnavailable` (413).',
    unit: 'bytes',
  })
  maxHeldBytes = 1_048_576;
}
