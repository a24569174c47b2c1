export { type FlatHeaders, FramingError, headerValue, type RelayedHead, relayHead, relayTrailers } from './headers.js';
export { isBodiless, isIdempotent } from './methods.js';
