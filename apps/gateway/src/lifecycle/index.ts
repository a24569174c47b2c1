export {
  type HandshakeFailure,
  type LifecycleEventMap,
  type LifecycleEventName,
  LifecycleEvents,
  type ServiceKinds,
} from './lifecycle-events.js';
export { LifecycleModule } from './lifecycle.module.js';
