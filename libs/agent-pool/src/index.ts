export { AgentConnections, AgentPool, type PooledConnection } from './agent-pool.js';
