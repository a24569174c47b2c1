export {
  type HandshakeFailure,
  type LifecycleEventMap,
  type LifecycleEventName,
  LifecycleEvents,
} from './lifecycle-events.js';
export { LifecycleModule } from './lifecycle.module.js';
