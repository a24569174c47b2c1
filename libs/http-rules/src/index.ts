export type { FlatHeaders } from '@berth/exchange';
export {
  appendHeader,
  expectsContinue,
  headerPairs,
  headersByName,
  headerValue,
  headerValues,
  isEventStream,
  removeHeader,
  setHeader,
  withoutHeader,
  withoutHeaders,
} from './flat-headers.js';
export {
  forgetBytes,
  FRAMING,
  FramingError,
  latin1Headers,
  reasonBytes,
  type RelayedHead,
  relayHead,
  relayResponseHead,
  relayTrailers,
} from './headers.js';
export { isFieldValue, isToken } from './grammar.js';
export { authorityOf, isHost, withoutQuery, withoutUserInfo } from './host.js';
export { isBodiless, isIdempotent } from './methods.js';
export { carriesHttp, upgradeProtocols, webSocketAccept, withoutHttpUpgrades } from './upgrade.js';
