export {
  type FlatHeaders,
  FramingError,
  headerPairs,
  headerValue,
  type RelayedHead,
  relayHead,
  relayTrailers,
  withoutHeader,
} from './headers.js';
export { isBodiless, isIdempotent } from './methods.js';
