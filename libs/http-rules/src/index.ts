export {
  type FlatHeaders,
  FramingError,
  headerPairs,
  headerValue,
  isHost,
  type RelayedHead,
  relayHead,
  relayTrailers,
  withoutHeader,
} from './headers.js';
export { isBodiless, isIdempotent } from './methods.js';
