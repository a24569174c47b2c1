export { AgentConnections, type PooledConnection } from './agent-connections.js';
