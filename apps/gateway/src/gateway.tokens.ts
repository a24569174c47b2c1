/** Injection tokens of what is not a class: settings and the logger. */
export const GATEWAY_SETTINGS = Symbol('GATEWAY_SETTINGS');
export const GATEWAY_LOG = Symbol('GATEWAY_LOG');
