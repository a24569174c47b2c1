export type { FlatHeaders } from '@berth/exchange';
export { headerPairs, headerValue, withoutHeader } from './flat-headers.js';
export { FramingError, type RelayedHead, relayHead, relayTrailers } from './headers.js';
export { authorityOf, isHost } from './host.js';
export { forbidsLength, isBodiless, isIdempotent } from './methods.js';
export { carriesHttp, upgradeProtocols, withoutHttpUpgrades } from './upgrade.js';
