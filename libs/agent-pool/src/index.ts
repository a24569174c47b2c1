export type { AgentConnection, ConnectionOrigin, DrainReason } from './agent-connection.js';
export { AgentPool } from './agent-pool.js';
