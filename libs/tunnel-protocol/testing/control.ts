export { encodeControl } from '../src/control-messages.js';
