export * from './answers.js';
export * from './capabilities.js';
export type * from './conversation.js';
export * from './events.js';
export type * from './link.js';
export type * from './managed.js';
export * from './reports.js';
