export {
  type FlatHeaders,
  FramingError,
  headerValue,
  type RelayedHead,
  relayHead,
  relayTrailers,
  withoutHeader,
} from './headers.js';
export { isBodiless, isIdempotent } from './methods.js';
