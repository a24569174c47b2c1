export { HeldBytes } from './held-bytes.js';
export { inspection } from './inspection.js';
export type { InspectionContext, InspectionOptions, Inspector, JudgedEvent } from './options.js';
