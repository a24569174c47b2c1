import { BerthError } from '@berth/errors';
import { networks } from '../networks.js';
import { type PortRule, refuse } from './port-rule.js';

/** Addresses that may use the port, and those that may not. */
export const clientAddresses: PortRule = {
  reads: ['access'],
  tcp: true,
  make({ access: { allow, deny } }, { countRefusal, key, limitedLog }) {
    if (allow.length === 0 && deny.length === 0) return undefined;
    const isAllowed = allow.length === 0 ? () => true : networks(allow);
    const isDenied = networks(deny);
    return (next) => (request, sink) => {
      const { clientAddress } = request;
      // One whose address is not known has gone already: it may have come from anywhere.
      if (clientAddress !== '' && isAllowed(clientAddress) && !isDenied(clientAddress)) {
        next(request, sink);
        return;
      }
      limitedLog.warn(
        { agentId: key, clientAddress },
        'a client was refused by its address (access.allow, access.deny)',
      );
      countRefusal('access');
      refuse(sink, new BerthError('BERTH_FORBIDDEN', `${clientAddress || 'this client'} may not use this port`));
    };
  },
};
