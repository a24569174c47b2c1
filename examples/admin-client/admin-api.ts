// Generated from docs/openapi.json: npm run build && node tools/write-openapi.ts
export interface paths {
    "/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Agents with their ports: all that are connected, or those that a client asks for
         * @description Pages stay right while agents come and go. Those sorted by what moves, as `last_seen` does, show an agent where it is at that moment.
         */
        get: operations["listAgents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One agent with its connections */
        get: operations["getAgent"];
        put?: never;
        post?: never;
        /**
         * Disconnect an agent; it may dial in again
         * @description Asks the agent to open its next connection and to leave the present ones. An agent that is away is forgotten: it is no longer shown as offline. Ports that are kept for it stay; `DELETE /agents/:id/ports/:service` frees them. Requests under way may end within `tunnel.drainTimeoutMs`.
         */
        delete: operations["disconnectAgent"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/exchanges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is under way on the connections of an agent, the oldest first */
        get: operations["listExchanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an agent no new requests; it stays connected
         * @description Requests under way go on. New ones are answered with 503 and `Retry-After`, unless another replica takes them. It ends with `undrain`, or when the agent has gone.
         */
        post: operations["drainAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/undrain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an agent requests again
         * @description Ends `drain`. A replica beside others starts slowly (`tunnel.slowStartMs`).
         */
        post: operations["undrainAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/connections/{connection_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one connection of an agent; the agent opens its next one first
         * @description Nothing new begins on it while another connection can take it. Requests under way may end within `tunnel.drainTimeoutMs`.
         */
        delete: operations["endConnection"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/ports/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Pin a port to a local service of an agent
         * @description It is given to nobody else from now on, also while the agent is away, and over restarts where `state.file` is set. A service that listens on another port moves when the agent comes back; `DELETE /agents/:id?now=true` has it come back at once.
         */
        put: operations["pinPort"];
        post?: never;
        /**
         * Free the port of a local service of an agent
         * @description Ends a pin, and keeps the port no longer for an agent that is away. One in use stays so until the agent leaves.
         */
        delete: operations["freePort"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Push a configuration to all agents that can take it
         * @description A push of its own for each of them; agents that cannot take it are named in `skipped`.
         */
        post: operations["pushConfigToAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Pushes to an agent: those under way and the last that are over, the newest first */
        get: operations["listConfigPushes"];
        put?: never;
        /**
         * Push a configuration to an agent
         * @description To each of its replicas that can take it, one push after the other. `GET` with the `push_id` says what became of it.
         */
        post: operations["pushConfig"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/config/{push_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One push to an agent */
        get: operations["getConfigPush"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/config/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Look the settings up again
         * @description File, environment and flags, as at start. What can change does at once; requests under way go on. A file that is wrong changes nothing.
         */
        post: operations["reloadConfig"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{agent_id}/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The rules of an agent’s port, and where each comes from
         * @description Of the settings (`policies`) and of changes by `PATCH`; the more exact ones go over the others.
         */
        get: operations["getPolicy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change rules of an agent’s ports
         * @description At once, for requests from now on, and over restarts where `state.file` is set. A part of a policy: what it leaves out stays; null takes back what was changed before, so that the settings hold again (RFC 7396).
         */
        patch: operations["changePolicy"];
        trace?: never;
    };
    "/policy-agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Policy agents: all that are configured, there or away */
        get: operations["listPolicyAgents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One policy agent: connections, what it can do, what it was asked, and what it said */
        get: operations["getPolicyAgent"];
        /**
         * Add a policy agent, or say anew all that is said of it
         * @description It takes the place of what the settings say of the name, and survives a restart where `state.file` is set. Exchanges that have begun end with the agent that they began with.
         */
        put: operations["putPolicyAgent"];
        post?: never;
        /**
         * Take back what was said of a policy agent by requests
         * @description The settings hold again. One that is not in them goes; requests to ports whose rules still name it are then refused.
         */
        delete: operations["deletePolicyAgent"];
        options?: never;
        head?: never;
        /**
         * Change settings of a policy agent
         * @description What is left out stays; null takes back what was changed before, so that the settings hold again (RFC 7396).
         */
        patch: operations["changePolicyAgent"];
        trace?: never;
    };
    "/policy-agents/{name}/updates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a policy agent asked of the gateway, and the rules and lists that are kept for it */
        get: operations["getPolicyAgentUpdates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a policy agent nothing new
         * @description Exchanges that begin go by `whenUnavailable`; those under way go on. Ends with `undrain`, or with the gateway.
         */
        post: operations["drainPolicyAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}/undrain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a policy agent again
         * @description Ends `drain`.
         */
        post: operations["undrainPolicyAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}/reconnect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace the connections to a policy agent
         * @description One after the other, so that it can be asked all the time. One that could not be reached, or failed, is tried at once.
         */
        post: operations["reconnectPolicyAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Push a configuration to all policy agents that can take it
         * @description A push of its own for each of them; agents that cannot take it are named in `skipped`.
         */
        post: operations["pushPolicyConfigToAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Pushes to a policy agent: those under way and the last that are over, the newest first */
        get: operations["listPolicyConfigPushes"];
        put?: never;
        /**
         * Push a configuration to a policy agent
         * @description To each of its connections that can take it; later ones are given it first, until the gateway ends. To keep it, set `config` with `PATCH /policy-agents/:name`.
         */
        post: operations["pushPolicyConfig"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy-agents/{name}/config/{push_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One push to a policy agent */
        get: operations["getPolicyConfigPush"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Figures of the port ranges, leases, and ports that are kept or that other programs hold
         * @description Pages go by port, through the three lists together; the figures are always of all ports.
         */
        get: operations["getPorts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The servers of the gateway, each asked now
         * @description A connection is opened to every one that is shown; at a port of raw TCP it is accepted and goes no further: the local service sees none of it. A server that ended by itself is `failed` until it runs again.
         */
        get: operations["listServers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{bind}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a server listen anew on its port
         * @description New connections are taken at once. Requests under way on connections of before, and pipes of raw TCP, may end within `agentPorts.stopGraceMs` (admin port: 5 s), then they are cut off. The agent stays connected.
         */
        post: operations["restartServer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process lives */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Agents can dial in, and no shutdown is under way */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Prometheus metrics
         * @description Without the token where `admin.openMetrics` is true.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ErrorDetailDto: {
            /**
             * @description stable code
             * @example BERTH_NOT_FOUND
             */
            code: string;
            /** @example Agent my-laptop not found */
            message: string;
            /**
             * @description finds the request in the logs
             * @example req-4f1c0a9be2d1
             */
            request_id: string;
        };
        ErrorDto: {
            error: components["schemas"]["ErrorDetailDto"];
        };
        ServiceDto: {
            /**
             * @example healthy
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "offline";
            /**
             * @description why; empty when all is well
             * @example
             */
            state_reason: string;
            /**
             * Format: date-time
             * @description when the state changed last
             */
            state_since: string;
            /** @example default */
            name: string;
            /**
             * @description kind of port; while the agent is away, as it was, and empty where that was not written
             * @example http
             */
            kind: string;
            /**
             * @description TCP port of the gateway that leads to it
             * @example 8100
             */
            port: number;
            /**
             * @description scheme of the port's address
             * @example http
             */
            scheme: string;
            /**
             * @description its port listens on the gateway's loopback alone, as the agent wishes
             * @example false
             */
            loopback: boolean;
            /**
             * @description connections that lead to it
             * @example 1
             */
            connections: number;
            /**
             * @description requests that wait
             * @example 0
             */
            waiting: number;
            /**
             * Format: int64
             * @description requests since the agent connected
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @description requests that Berth had to answer itself
             * @example 0
             */
            errors: number;
        };
        AgentDto: {
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description TCP port of the gateway that leads to its first local service; 0: none is kept while it is away
             * @example 8100
             */
            port: number;
            /**
             * @description scheme of the port's address
             * @example http
             */
            scheme: string;
            /**
             * @description that of its best connection, as it stands for the local service that it serves worst; offline: it is away
             * @example healthy
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "offline";
            /**
             * @description why; empty when all is well. Of an agent that is away: why it left
             * @example
             */
            state_reason: string;
            /**
             * Format: date-time
             * @description when the state changed last
             */
            state_since: string;
            /** @description what it serves, each with a port of its own; while it is away, those whose port is kept */
            services: components["schemas"]["ServiceDto"][];
            /**
             * Format: date-time
             * @description when the last message of the agent came in
             */
            last_seen: string;
            /** Format: date-time */
            connected_since: string;
            /**
             * @description live tunnel connections
             * @example 1
             */
            connections: number;
            /**
             * @description exchanges under way
             * @example 0
             */
            in_flight: number;
            /**
             * @description requests that wait until a connection takes one more, or for the end of a pause
             * @example 0
             */
            waiting: number;
            /**
             * Format: int64
             * @description requests since the agent connected
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @description requests that Berth had to answer itself
             * @example 0
             */
            errors: number;
            /**
             * Format: int64
             * @description body bytes, client to service
             * @example 0
             */
            bytes_in: number;
            /**
             * Format: int64
             * @description body bytes, service to client
             * @example 0
             */
            bytes_out: number;
            /**
             * @description where the newest connection comes from
             * @example 192.0.2.7:51544
             */
            remote_address: string;
            /**
             * @description version of the agent
             * @example 0.1.0
             */
            version: string;
        };
        AgentListDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            agents: components["schemas"]["AgentDto"][];
        };
        ReplicaDto: {
            /**
             * @example healthy
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting";
            /**
             * @description why; empty when all is well
             * @example 3 failures in a row
             */
            state_reason: string;
            /**
             * Format: date-time
             * @description when the state changed last
             */
            state_since: string;
            /**
             * @description exchanges under way
             * @example 0
             */
            in_flight: number;
            /**
             * Format: int64
             * @description exchanges begun, second tries included
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @description of them failed by the agent's side
             * @example 0
             */
            errors: number;
            /**
             * @description errors / requests; 0 when there were none
             * @example 0
             */
            error_rate: number;
            /**
             * @description instance id: a name that the process made for itself
             * @example f0e1d2c3
             */
            replica_id: string;
            /** @example 1 */
            connections: number;
            /**
             * @description of them healthy or degraded
             * @example 1
             */
            healthy_connections: number;
            /**
             * @description an operator keeps requests away from it
             * @example false
             */
            drained: boolean;
        };
        ConnectionDto: {
            /**
             * @example healthy
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting";
            /**
             * @description why; empty when all is well
             * @example 3 failures in a row
             */
            state_reason: string;
            /**
             * Format: date-time
             * @description when the state changed last
             */
            state_since: string;
            /**
             * @description exchanges under way
             * @example 0
             */
            in_flight: number;
            /**
             * Format: int64
             * @description exchanges begun, second tries included
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @description of them failed by the agent's side
             * @example 0
             */
            errors: number;
            /**
             * @description errors / requests; 0 when there were none
             * @example 0
             */
            error_rate: number;
            /** @example a1b2c3d4e5f6 */
            connection_id: string;
            /**
             * @description instance id of the process behind it
             * @example f0e1d2c3
             */
            replica_id: string;
            /**
             * @description local services that it leads to
             * @example [
             *       "default"
             *     ]
             */
            services: string[];
            /** Format: date-time */
            connected_since: string;
            /** Format: date-time */
            last_seen: string;
            /** @example 192.0.2.7:51544 */
            remote_address: string;
            /**
             * @description exchanges it takes at once
             * @example 1024
             */
            capacity: number;
            /**
             * @description smallest round trip seen, ms
             * @example 0.4
             */
            round_trip_ms: number;
            /**
             * @description takes no new exchanges
             * @example false
             */
            draining: boolean;
        };
        AgentDetailDto: {
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description TCP port of the gateway that leads to its first local service; 0: none is kept while it is away
             * @example 8100
             */
            port: number;
            /**
             * @description scheme of the port's address
             * @example http
             */
            scheme: string;
            /**
             * @description that of its best connection, as it stands for the local service that it serves worst; offline: it is away
             * @example healthy
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "offline";
            /**
             * @description why; empty when all is well. Of an agent that is away: why it left
             * @example
             */
            state_reason: string;
            /**
             * Format: date-time
             * @description when the state changed last
             */
            state_since: string;
            /** @description what it serves, each with a port of its own; while it is away, those whose port is kept */
            services: components["schemas"]["ServiceDto"][];
            /**
             * Format: date-time
             * @description when the last message of the agent came in
             */
            last_seen: string;
            /** Format: date-time */
            connected_since: string;
            /**
             * @description live tunnel connections
             * @example 1
             */
            connections: number;
            /**
             * @description exchanges under way
             * @example 0
             */
            in_flight: number;
            /**
             * @description requests that wait until a connection takes one more, or for the end of a pause
             * @example 0
             */
            waiting: number;
            /**
             * Format: int64
             * @description requests since the agent connected
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @description requests that Berth had to answer itself
             * @example 0
             */
            errors: number;
            /**
             * Format: int64
             * @description body bytes, client to service
             * @example 0
             */
            bytes_in: number;
            /**
             * Format: int64
             * @description body bytes, service to client
             * @example 0
             */
            bytes_out: number;
            /**
             * @description where the newest connection comes from
             * @example 192.0.2.7:51544
             */
            remote_address: string;
            /**
             * @description version of the agent
             * @example 0.1.0
             */
            version: string;
            /** @description what the agent says of itself */
            metadata: {
                [key: string]: string;
            };
            /**
             * @description one of its connections is healthy or degraded
             * @example true
             */
            healthy: boolean;
            /**
             * @description connections that are healthy or degraded
             * @example 1
             */
            healthy_connections: number;
            /**
             * @description errors / requests; 0 when there were none
             * @example 0
             */
            error_rate: number;
            /** @description the processes behind it: more than one where they share */
            replica_list: components["schemas"]["ReplicaDto"][];
            connection_list: components["schemas"]["ConnectionDto"][];
        };
        ExchangeDto: {
            /**
             * @description names the exchange in error answers and logs of both ends
             * @example a1b2c3d4e5f6-17
             */
            request_id: string;
            /**
             * @description the connection that carries it
             * @example a1b2c3d4e5f6
             */
            connection_id: string;
            /**
             * @example http
             * @enum {string}
             */
            kind: "http" | "upgrade" | "tcp";
            /** @example GET */
            method: string;
            /**
             * @description of its target, without the query; 256 characters at the most
             * @example /reports/7
             */
            path: string;
            /**
             * Format: int64
             * @description since it began, ms
             * @example 120
             */
            age_ms: number;
            /**
             * @description waiting for the head of the answer, answering since it came, or a pipe for bytes both ways
             * @example waiting
             * @enum {string}
             */
            state: "waiting" | "answering" | "pipe";
            /**
             * @description body bytes on the way to the agent that wait for its credit or for their turn
             * @example 0
             */
            pending_bytes: number;
        };
        ExchangeListDto: {
            exchanges: components["schemas"]["ExchangeDto"][];
            /**
             * @description all that are under way, shown or not
             * @example 1
             */
            count: number;
        };
        PinPortDto: {
            /** @example 8123 */
            port: number;
        };
        PinnedPortDto: {
            /** @example 8100 */
            port: number;
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description local service
             * @example default
             */
            service: string;
            /**
             * @description an operator has given it to that service for good
             * @example false
             */
            pinned: boolean;
            /**
             * @description that the service listens on now; null: it is away. Another one than `port`: it moves when it returns
             * @example 8123
             */
            port_in_use: number | null;
        };
        PushReplicaDto: {
            /**
             * @description instance id of the process
             * @example f0e1d2c3
             */
            replica_id: string;
            /**
             * @example acknowledged
             * @enum {string}
             */
            state: "pending" | "sent" | "acknowledged" | "failed" | "expired";
            /**
             * @description how often it was sent, or could not be sent
             * @example 1
             */
            tries: number;
            /**
             * @description what the agent said, or why it expired; empty when all is well
             * @example
             */
            error: string;
            /**
             * Format: date-time
             * @description when it was over
             */
            settled_at: string | null;
        };
        ConfigPushDto: {
            /** @example push-0123456789abcdef */
            push_id: string;
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description under way (pending, sent) while one replica is; then the worst of: acknowledged, expired (no answer), failed
             * @example sent
             * @enum {string}
             */
            state: "pending" | "sent" | "acknowledged" | "failed" | "expired";
            /**
             * @description size of the configuration
             * @example 17
             */
            bytes: number;
            /** Format: date-time */
            created_at: string;
            replicas: components["schemas"]["PushReplicaDto"][];
        };
        PushSkippedDto: {
            /** @example old-laptop */
            agent_id: string;
            /**
             * @description stable code
             * @example BERTH_CONFIG_PUSH_UNSUPPORTED
             */
            code: string;
            /** @example agent old-laptop takes no configuration (config_push) */
            message: string;
        };
        ConfigPushAllDto: {
            /** @description the newest first */
            pushes: components["schemas"]["ConfigPushDto"][];
            /** @example 1 */
            count: number;
            /** @description agents that cannot take it now */
            skipped: components["schemas"]["PushSkippedDto"][];
        };
        ConfigPushListDto: {
            /** @description the newest first */
            pushes: components["schemas"]["ConfigPushDto"][];
            /** @example 1 */
            count: number;
        };
        ConfigReloadDto: {
            /**
             * @description settings with new values, in force
             * @example [
             *       "ingress.maxBodyBytes"
             *     ]
             */
            changed: string[];
            /**
             * @description settings whose new values wait for a restart
             * @example [
             *       "grpc.port"
             *     ]
             */
            restart_required: string[];
        };
        SetRuleDto: {
            /**
             * @description path within the policy
             * @example rate.requestsPerSecond
             */
            rule: string;
            /**
             * @description its value; passwords and tokens are hidden
             * @example 50
             */
            value: Record<string, never>;
            /**
             * @description where that is said: the setting, or the request that changed it
             * @example policies."web-*"
             */
            source: string;
        };
        PolicyDto: {
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description local service
             * @example default
             */
            service: string;
            /**
             * @description all rules with their values, as `policies` takes them; passwords and tokens are hidden
             * @example {
             *       "rate": {
             *         "requestsPerSecond": 50,
             *         "burst": 0
             *       }
             *     }
             */
            policy: {
                [key: string]: unknown;
            };
            /** @description rules that somebody has set; all others have no effect */
            set: components["schemas"]["SetRuleDto"][];
            /** @description what is allowed and probably not meant */
            warnings: string[];
        };
        PolicyAgentDto: {
            /** @example waf */
            name: string;
            /**
             * @description where it is said: the setting, or the request
             * @example policyAgents.waf
             */
            source: string;
            /**
             * @description `reverse`: it dials `policyListener`
             * @example grpc://127.0.0.1:50051
             */
            address: string;
            /**
             * @description `away`: no connection; `failing`: it failed too often and is asked nothing for a while (breaker)
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "away" | "failing" | "drained";
            /**
             * @description why; empty when all is well
             * @example
             */
            state_reason: string;
            /**
             * @description what becomes of exchanges that it cannot judge
             * @enum {string}
             */
            when_unavailable: "open" | "closed";
            /** @example 4 */
            connection_count: number;
            /**
             * @description questions under way
             * @example 0
             */
            in_flight: number;
            /**
             * @description exchanges that wait for room on a connection
             * @example 0
             */
            waiting: number;
            /**
             * Format: int64
             * @description questions that are over
             * @example 1234
             */
            questions: number;
            /**
             * Format: int64
             * @description of them stopped the exchange
             * @example 12
             */
            stopped: number;
            /**
             * Format: int64
             * @description of them had no answer of use
             * @example 0
             */
            failures: number;
        };
        PolicyAgentListDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            policy_agents: components["schemas"]["PolicyAgentDto"][];
        };
        PolicyAgentCapabilitiesDto: {
            /**
             * @description as it calls itself
             * @example waf-0
             */
            agent_id: string;
            /** @example Example WAF */
            name: string;
            /** @example 1.4.0 */
            version: string;
            /** @example 2 */
            protocol_version: number;
            /**
             * @description events that it wants to see
             * @example [
             *       "request_headers"
             *     ]
             */
            events: string[];
            /**
             * @description what else it can do
             * @example [
             *       "cancellation"
             *     ]
             */
            features: string[];
            /**
             * @description questions that it takes at once; 0: it does not say
             * @example 0
             */
            concurrent_requests: number;
            /**
             * @example {
             *       "max_body_size": 10485760,
             *       "max_concurrency": 100,
             *       "preferred_chunk_size": 65536
             *     }
             */
            limits: {
                [key: string]: number;
            };
        };
        HealthReportDto: {
            /** @enum {string} */
            state: "healthy" | "degraded" | "draining" | "unhealthy";
            /**
             * @description what it says; empty: nothing
             * @example
             */
            message: string;
            /**
             * Format: date-time
             * @description by the agent’s clock
             */
            at: string;
            /**
             * @description how much longer its deadlines are to be
             * @example 1
             */
            timeout_multiplier: number;
            /** @description features that it does without */
            disabled_features: string[];
            /**
             * @example {
             *       "in_flight": 3
             *     }
             */
            load?: {
                [key: string]: number;
            };
            /**
             * @example {
             *       "cpu_percent": 12.5
             *     }
             */
            resources?: {
                [key: string]: number;
            };
        };
        PolicyConnectionDto: {
            /** @example waf-1 */
            connection_id: string;
            /** @example grpc://127.0.0.1:50051 */
            remote: string;
            /** @enum {string} */
            transport: "grpc" | "unix" | "reverse";
            /** @enum {string} */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting";
            /**
             * @description why; empty when all is well
             * @example
             */
            state_reason: string;
            /** Format: date-time */
            connected_at: string;
            /** @description the agent has asked for a pause */
            paused: boolean;
            /** @example 0 */
            in_flight: number;
            /**
             * @description questions that it takes at once
             * @example 100
             */
            capacity: number;
            /**
             * Format: int64
             * @example 1234
             */
            requests: number;
            /**
             * Format: int64
             * @example 0
             */
            errors: number;
            capabilities: components["schemas"]["PolicyAgentCapabilitiesDto"];
            /** @description what it said of itself last */
            health_report?: components["schemas"]["HealthReportDto"];
        };
        AuditDto: {
            /**
             * @example [
             *       "sqli"
             *     ]
             */
            tags: string[];
            /**
             * @example [
             *       "942100"
             *     ]
             */
            rule_ids: string[];
            /**
             * @description 0 to 1
             * @example 0.97
             */
            confidence: number | null;
            reason_codes: string[];
            custom: {
                [key: string]: string;
            };
        };
        PolicyDecisionDto: {
            /** Format: date-time */
            at: string;
            /**
             * @description of the exchange, as the agent was told it
             * @example pf9bd438c-17
             */
            correlation_id: string;
            /** @example request_headers */
            event: string;
            /**
             * @description `error`, `skipped`: the agent did not decide
             * @example block
             */
            outcome: string;
            /**
             * @description why it did not, such as `timeout`
             * @example
             */
            reason: string;
            /**
             * @description of an answer in place of the service’s; 0: none
             * @example 403
             */
            status: number;
            /**
             * @description without the query
             * @example GET /admin
             */
            request: string;
            /** @example 192.0.2.7 */
            client_address: string;
            audit?: components["schemas"]["AuditDto"];
        };
        PolicyUpdateDto: {
            /** Format: date-time */
            at: string;
            /** @example u-1 */
            request_id: string;
            /**
             * @description `restart` and `error` are noted, and nothing is done about them
             * @enum {string}
             */
            kind: "reload" | "rules" | "list" | "restart" | "error";
            /** @description as the agent was answered */
            accepted: boolean;
            /**
             * @description why not; empty otherwise
             * @example
             */
            error: string;
            /** @example bad-addresses: 3 entries, 0 taken out */
            what: string;
        };
        PolicyAgentDetailDto: {
            /** @example waf */
            name: string;
            /**
             * @description where it is said: the setting, or the request
             * @example policyAgents.waf
             */
            source: string;
            /**
             * @description `reverse`: it dials `policyListener`
             * @example grpc://127.0.0.1:50051
             */
            address: string;
            /**
             * @description `away`: no connection; `failing`: it failed too often and is asked nothing for a while (breaker)
             * @enum {string}
             */
            state: "healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "away" | "failing" | "drained";
            /**
             * @description why; empty when all is well
             * @example
             */
            state_reason: string;
            /**
             * @description what becomes of exchanges that it cannot judge
             * @enum {string}
             */
            when_unavailable: "open" | "closed";
            /** @example 4 */
            connection_count: number;
            /**
             * @description questions under way
             * @example 0
             */
            in_flight: number;
            /**
             * @description exchanges that wait for room on a connection
             * @example 0
             */
            waiting: number;
            /**
             * Format: int64
             * @description questions that are over
             * @example 1234
             */
            questions: number;
            /**
             * Format: int64
             * @description of them stopped the exchange
             * @example 12
             */
            stopped: number;
            /**
             * Format: int64
             * @description of them had no answer of use
             * @example 0
             */
            failures: number;
            /**
             * @description all of its settings, as `policyAgents` takes them; secrets are hidden
             * @example {
             *       "address": "grpc://127.0.0.1:50051",
             *       "timeoutMs": 5000
             *     }
             */
            settings: {
                [key: string]: unknown;
            };
            connections: components["schemas"]["PolicyConnectionDto"][];
            /** @description by an operator: it is asked nothing */
            drained: boolean;
            /**
             * @description `open`: it is asked nothing for a while
             * @enum {string}
             */
            breaker: "closed" | "open" | "halfOpen";
            /**
             * @description by event and outcome
             * @example {
             *       "request_headers allow": 1222
             *     }
             */
            questions_by_outcome: {
                [key: string]: number;
            };
            /**
             * @description questions without an answer of use, by reason
             * @example {
             *       "timeout": 1
             *     }
             */
            failures_by_reason: {
                [key: string]: number;
            };
            /**
             * @description by the ids that the agent gives
             * @example {
             *       "942100": 12
             *     }
             */
            rule_hits: {
                [key: string]: number;
            };
            /**
             * @description exchanges cut off, answers that nobody waited for, messages passed over, signals of flow control
             * @example {
             *       "cancelled": 3,
             *       "late_answers": 0
             *     }
             */
            counts: {
                [key: string]: number;
            };
            /**
             * @description series of its own in `GET /metrics`
             * @example 12
             */
            reported_series: number;
            /** @description the newest first */
            decisions: components["schemas"]["PolicyDecisionDto"][];
            /** @description what it asked of the gateway, the newest first */
            updates: components["schemas"]["PolicyUpdateDto"][];
        };
        PolicyRuleDto: {
            /** @example 942100 */
            rule_id: string;
            /** @example 10 */
            priority: number;
            enabled: boolean;
            /**
             * @description JSON text, as the agent gave it
             * @example {"pattern":"union select"}
             */
            definition_json: string;
            /**
             * @description for people
             * @example
             */
            description: string;
            tags: string[];
        };
        PolicyRuleSetDto: {
            /** @example sqli */
            rule_set: string;
            rules: components["schemas"]["PolicyRuleDto"][];
        };
        PolicyEntriesDto: {
            /** @example bad-addresses */
            list_id: string;
            /**
             * @example [
             *       "192.0.2.66"
             *     ]
             */
            entries: string[];
        };
        PolicyUpdatesDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            /** @description the last 50, the newest first */
            updates: components["schemas"]["PolicyUpdateDto"][];
            /** @description rules that the gateway keeps for it, until it ends */
            rule_sets: components["schemas"]["PolicyRuleSetDto"][];
            /** @description lists, in the same way */
            lists: components["schemas"]["PolicyEntriesDto"][];
        };
        NamedPolicyPushDto: {
            /** @example config-push-0123456789abcdef */
            push_id: string;
            /**
             * @description the worst of its connections
             * @example acknowledged
             * @enum {string}
             */
            state: "pending" | "sent" | "acknowledged" | "failed" | "expired";
            /**
             * @description size of the configuration
             * @example 17
             */
            bytes: number;
            /**
             * @description how often it was sent, or could not be sent
             * @example 1
             */
            tries: number;
            /**
             * @description what the agent said, or why it expired; empty when all is well
             * @example
             */
            error: string;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description when it was over
             */
            settled_at: string | null;
            /**
             * @description name of the policy agent
             * @example waf
             */
            name: string;
        };
        PolicyPushSkippedDto: {
            /** @example waf */
            name: string;
            /**
             * @description stable code
             * @example BERTH_CONFIG_PUSH_UNSUPPORTED
             */
            code: string;
            /** @example policy agent waf is not there, or takes no configuration (config_push) */
            message: string;
        };
        PolicyPushAllDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            pushes: components["schemas"]["NamedPolicyPushDto"][];
            /** @description agents that cannot take it now */
            skipped: components["schemas"]["PolicyPushSkippedDto"][];
        };
        PolicyPushDto: {
            /** @example config-push-0123456789abcdef */
            push_id: string;
            /**
             * @description the worst of its connections
             * @example acknowledged
             * @enum {string}
             */
            state: "pending" | "sent" | "acknowledged" | "failed" | "expired";
            /**
             * @description size of the configuration
             * @example 17
             */
            bytes: number;
            /**
             * @description how often it was sent, or could not be sent
             * @example 1
             */
            tries: number;
            /**
             * @description what the agent said, or why it expired; empty when all is well
             * @example
             */
            error: string;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description when it was over
             */
            settled_at: string | null;
        };
        PolicyPushListDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            /** @description the newest first */
            pushes: components["schemas"]["PolicyPushDto"][];
        };
        PortPoolDto: {
            /**
             * @description ports that can be leased, static ones left out
             * @example 101
             */
            total: number;
            /** @example 1 */
            used: number;
            /** @example 100 */
            free: number;
            /**
             * @description that other programs hold; neither used nor free
             * @example 0
             */
            foreign: number;
            /**
             * @description pinned to services that are away; neither used nor free
             * @example 0
             */
            reserved: number;
            /**
             * @example [
             *       "8100-8200"
             *     ]
             */
            ranges: string[];
            /**
             * @description patterns of the agents that it is for (agentPorts.rangesByAgent); none: all that have no other
             * @example []
             */
            agents: string[];
        };
        LeaseDto: {
            /** @example 8100 */
            port: number;
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description local service
             * @example default
             */
            service: string;
            /**
             * @description an operator has given it to that service for good
             * @example false
             */
            pinned: boolean;
            /** Format: date-time */
            leased_since: string;
            /**
             * @description from agentPorts.static
             * @example false
             */
            static: boolean;
            /**
             * @description it listens on the gateway's loopback alone, as its agent wishes
             * @example false
             */
            loopback: boolean;
        };
        RememberedPortDto: {
            /** @example 8100 */
            port: number;
            /** @example my-laptop */
            agent_id: string;
            /**
             * @description local service
             * @example default
             */
            service: string;
            /**
             * @description an operator has given it to that service for good
             * @example false
             */
            pinned: boolean;
            /**
             * Format: date-time
             * @description when it was used last
             */
            last_used: string;
        };
        ForeignPortDto: {
            /** @example 8100 */
            port: number;
            /**
             * Format: date-time
             * @description when another program was found to hold it
             */
            found_at: string;
        };
        PortsDto: {
            /**
             * @description ports that can be leased, static ones left out
             * @example 101
             */
            total: number;
            /** @example 1 */
            used: number;
            /** @example 100 */
            free: number;
            /**
             * @description that other programs hold; neither used nor free
             * @example 0
             */
            foreign: number;
            /**
             * @description pinned to services that are away; neither used nor free
             * @example 0
             */
            reserved: number;
            /**
             * @description first port of http.agentPortRange
             * @example 8100
             */
            start: number;
            /**
             * @description last port of http.agentPortRange
             * @example 8200
             */
            end: number;
            /**
             * @description static ports in use
             * @example 0
             */
            static_used: number;
            /** @description the figures of each pool; those above are of all together */
            pools: components["schemas"]["PortPoolDto"][];
            leases: components["schemas"]["LeaseDto"][];
            /** @description ports of services that are away: pinned, or given to others only when none is left that nobody has had */
            remembered: components["schemas"]["RememberedPortDto"][];
            /** @description held by other programs when they were tried; passed over for agentPorts.foreignMs */
            foreign_ports: components["schemas"]["ForeignPortDto"][];
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
        };
        ServerDto: {
            /**
             * @description `admin`, or `agent` with its id and local service
             * @example agent my-laptop
             */
            name: string;
            /**
             * @description where it listens: its key for `restart`
             * @example 0.0.0.0:8100
             */
            bind: string;
            /**
             * @description as clients write it (`agentPorts.publicHost`)
             * @example http://gateway.example.org:8100
             */
            expose: string;
            /**
             * @description `http`, `https`, or `tcp`
             * @example http
             */
            scheme: string;
            /**
             * @description `failed`: it should run, does not, and is being brought back
             * @enum {string}
             */
            state: "stopped" | "starting" | "running" | "stopping" | "failed" | "disabled";
            /** @description it runs, and took a connection just now */
            healthy: boolean;
            /** @description why it is not healthy, or could not be asked */
            reason?: string;
            /** Format: date-time */
            started_at?: string;
            /** @example 86400000 */
            uptime_ms: number;
            /**
             * @description client connections that are open
             * @example 3
             */
            connections: number;
            /**
             * @description since the server, or its agent, came; at a port of raw TCP: connections taken
             * @example 1200
             */
            requests: number;
            /**
             * @description times that it was started again
             * @example 0
             */
            restarts: number;
            /** @description why it ended, or could not start */
            last_error?: string;
            /**
             * @description how long it took to take the connection
             * @example 0.4
             */
            probe_ms?: number;
        };
        ServerListDto: {
            /**
             * @description all that match, shown or not
             * @example 1
             */
            count: number;
            /** @description `cursor` of the next page, where there is one */
            next_cursor?: string;
            servers: components["schemas"]["ServerDto"][];
        };
        HealthDto: {
            /**
             * @example ok
             * @enum {string}
             */
            status: "ok";
        };
        CheckDto: {
            /**
             * @example up
             * @enum {string}
             */
            status: "up" | "down";
            /**
             * @description where it listens
             * @example 9090
             */
            port?: number;
            /**
             * @description why it is down
             * @example the gateway is shutting down
             */
            message?: string;
        };
        ReadinessDto: {
            /**
             * @example ok
             * @enum {string}
             */
            status: "ok" | "error" | "shutting_down";
            /**
             * @description what is up
             * @example {
             *       "grpc": {
             *         "status": "up",
             *         "port": 9090
             *       }
             *     }
             */
            info: {
                [key: string]: components["schemas"]["CheckDto"];
            };
            /**
             * @description what is down
             * @example {}
             */
            error: {
                [key: string]: components["schemas"]["CheckDto"];
            };
            /**
             * @description both
             * @example {
             *       "grpc": {
             *         "status": "up",
             *         "port": 9090
             *       }
             *     }
             */
            details: {
                [key: string]: components["schemas"]["CheckDto"];
            };
        };
        ProblemDto: {
            /**
             * @description always so: `code` tells problems apart
             * @example about:blank
             */
            type: string;
            /**
             * @description that of the status
             * @example Not Found
             */
            title: string;
            /**
             * @description HTTP status
             * @example 404
             */
            status: number;
            /** @example Agent my-laptop not found */
            detail: string;
            /**
             * @description path of the request
             * @example /agents/my-laptop
             */
            instance: string;
            /**
             * @description stable code
             * @example BERTH_NOT_FOUND
             */
            code: string;
            /**
             * @description finds the request in the logs
             * @example req-4f1c0a9be2d1
             */
            request_id: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAgents: {
        parameters: {
            query?: {
                /** @description entries to show at the most; all unless given */
                limit?: number;
                /** @description `next_cursor` of the page before */
                cursor?: string;
                /** @description what to sort by, the smallest first; with `-` the largest. Pages are by `port` unless given */
                sort?: "agent_id" | "-agent_id" | "port" | "-port" | "last_seen" | "-last_seen" | "connected_since" | "-connected_since" | "in_flight" | "-in_flight" | "requests" | "-requests" | "errors" | "-errors";
                /** @description an id, exact or with `*` for any characters */
                agent_id?: string;
                /** @description one of these states; `offline` are those that are away, which are not shown unless asked for */
                state?: ("healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "offline")[];
                /** @description has a local service of that name */
                service?: string;
                /** @description says that of itself: a key, or a key with its value; all of them where there are several */
                metadata?: string[];
                /** @description offline: those that are away as well */
                include?: "offline";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentListDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a parameter that there is not, or a malformed one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getAgent: {
        parameters: {
            query?: {
                /** @description offline: also when it is away */
                include?: "offline";
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDetailDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: `include` is malformed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`include` is malformed",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent is connected */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent is connected",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    disconnectAgent: {
        parameters: {
            query?: {
                /** @description close it at once, with what runs on it */
                now?: boolean;
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description it has been asked to leave; with `now` it is closed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description BERTH_BAD_REQUEST: `now` is neither true nor false */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`now` is neither true nor false",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent is connected */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent is connected",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    listExchanges: {
        parameters: {
            query?: {
                /** @description exchanges to show at the most */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExchangeListDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: `limit` is out of its bounds */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`limit` is out of its bounds",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent is connected */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent is connected",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    drainAgent: {
        parameters: {
            query?: {
                /** @description one of its replicas alone, by `replica_id` */
                replica?: string;
                /** @description one of its local services alone, by name */
                service?: string;
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how it is now; it has run out when `in_flight` is 0 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDetailDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: `replica` or `service` is given more than once, or another parameter is */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`replica` or `service` is given more than once, or another parameter is",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent, replica or local service */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent, replica or local service",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    undrainAgent: {
        parameters: {
            query?: {
                /** @description one of its replicas alone, by `replica_id` */
                replica?: string;
                /** @description one of its local services alone, by name */
                service?: string;
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how it is now; it has run out when `in_flight` is 0 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDetailDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: `replica` or `service` is given more than once, or another parameter is */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`replica` or `service` is given more than once, or another parameter is",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent, replica or local service */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent, replica or local service",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    endConnection: {
        parameters: {
            query?: {
                /** @description close it at once, with what runs on it */
                now?: boolean;
            };
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
                /** @description `connection_id` in `GET /agents/:id` */
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description it has been asked to leave; with `now` it is closed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description BERTH_BAD_REQUEST: `now` is neither true nor false */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "`now` is neither true nor false",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such agent is connected */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such agent is connected",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    pinPort: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
                /** @description local service */
                service: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PinPortDto"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PinnedPortDto"];
                };
            };
            /** @description BERTH_PORT_OUT_OF_RANGE: it lies in no range; BERTH_BAD_REQUEST: no port, or a malformed name */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_PORT_OUT_OF_RANGE",
                     *         "message": "it lies in no range",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_PORT_TAKEN: another service uses it or has it pinned; BERTH_PORT_STATIC: agentPorts.static gives it to somebody */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_PORT_TAKEN",
                     *         "message": "another service uses it or has it pinned",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: more than `configPush.maxBytes` and 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "more than `configPush.maxBytes` and 64 KiB",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_STATE_UNUSABLE: it holds, but could not be written, and is tried again (state.file) */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_STATE_UNUSABLE",
                     *         "message": "it holds, but could not be written, and is tried again (state.file)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    freePort: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
                /** @description local service */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the port is nobody’s, or will be when the agent leaves */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description BERTH_BAD_REQUEST: a malformed name */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a malformed name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: it has no port, and none is kept for it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "it has no port, and none is kept for it",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_PORT_STATIC: agentPorts.static gives it to somebody */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_PORT_STATIC",
                     *         "message": "agentPorts.static gives it to somebody",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_STATE_UNUSABLE: it holds, but could not be written, and is tried again (state.file) */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_STATE_UNUSABLE",
                     *         "message": "it holds, but could not be written, and is tried again (state.file)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    pushConfigToAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description the configuration: an object or an array; agents get it as it is */
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigPushAllDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: there is no body, or it is not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "there is no body, or it is not JSON",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: `configPush.maxBytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "`configPush.maxBytes`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    listConfigPushes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigPushListDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: neither connected, nor ever pushed to */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "neither connected, nor ever pushed to",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    pushConfig: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
            };
            cookie?: never;
        };
        /** @description the configuration: an object or an array; agents get it as it is */
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigPushDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: there is no body, or it is not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "there is no body, or it is not JSON",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: the agent is not connected */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "the agent is not connected",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CONFIG_PUSH_UNSUPPORTED: it takes no configuration */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CONFIG_PUSH_UNSUPPORTED",
                     *         "message": "it takes no configuration",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: `configPush.maxBytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "`configPush.maxBytes`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_TOO_MANY_PUSHES: `configPush.maxPendingPerAgent` */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_TOO_MANY_PUSHES",
                     *         "message": "`configPush.maxPendingPerAgent`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getConfigPush: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description agent id */
                agent_id: string;
                /** @description push_id */
                push_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigPushDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such push, or none that is remembered */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such push, or none that is remembered",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    reloadConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigReloadDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_RELOAD_REFUSED: what is wrong, a line for each, and nothing has changed */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_RELOAD_REFUSED",
                     *         "message": "what is wrong, a line for each, and nothing has changed",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_DRAINING: the gateway is shutting down */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_DRAINING",
                     *         "message": "the gateway is shutting down",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getPolicy: {
        parameters: {
            query?: {
                /** @description local service whose port is meant; `default` unless given */
                service?: unknown;
            };
            header?: never;
            path: {
                /** @description agent id, there or away */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a malformed name; or what is wrong with the rules, a line for each, and nothing has changed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a malformed name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    changePolicy: {
        parameters: {
            query?: {
                /** @description local service whose port is meant; all of the agent unless given */
                service?: unknown;
            };
            header?: never;
            path: {
                /** @description agent id, there or away */
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a malformed name; or what is wrong with the rules, a line for each, and nothing has changed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a malformed name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: more than `configPush.maxBytes` and 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "more than `configPush.maxBytes` and 64 KiB",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_STATE_UNUSABLE: it cannot be written (state.file), and nothing has changed */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_STATE_UNUSABLE",
                     *         "message": "it cannot be written (state.file), and nothing has changed",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    listPolicyAgents: {
        parameters: {
            query?: {
                /** @description entries to show at the most; all unless given */
                limit?: number;
                /** @description `next_cursor` of the page before */
                cursor?: string;
                /** @description what to sort by, the smallest first; with `-` the largest. Pages are by `name` unless given */
                sort?: "name" | "-name";
                /** @description only those that are so; several: any of them */
                state?: ("healthy" | "degraded" | "paused" | "draining" | "unhealthy" | "connecting" | "away" | "failing" | "drained")[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentListDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: no such parameter, or a malformed one */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "no such parameter, or a malformed one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getPolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    putPolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a malformed name, or what is wrong with the settings; nothing has changed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a malformed name, or what is wrong with the settings",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: more than `configPush.maxBytes` and 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "more than `configPush.maxBytes` and 64 KiB",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_STATE_UNUSABLE: it cannot be written (state.file), and nothing has changed */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_STATE_UNUSABLE",
                     *         "message": "it cannot be written (state.file), and nothing has changed",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    deletePolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description exchanges under way end with it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: nothing was said by requests */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "nothing was said by requests",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    changePolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a malformed name, or what is wrong with the settings; nothing has changed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a malformed name, or what is wrong with the settings",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: more than `configPush.maxBytes` and 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "more than `configPush.maxBytes` and 64 KiB",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_STATE_UNUSABLE: it cannot be written (state.file), and nothing has changed */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_STATE_UNUSABLE",
                     *         "message": "it cannot be written (state.file), and nothing has changed",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getPolicyAgentUpdates: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyUpdatesDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    drainPolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    undrainPolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    reconnectPolicyAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyAgentDetailDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    pushPolicyConfigToAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description the configuration: an object or an array; agents get it as it is */
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyPushAllDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: there is no body, or it is not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "there is no body, or it is not JSON",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: `configPush.maxBytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "`configPush.maxBytes`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    listPolicyConfigPushes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyPushListDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    pushPolicyConfig: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
            };
            cookie?: never;
        };
        /** @description the configuration: an object or an array; agents get it as it is */
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyPushDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: there is no body, or it is not JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "there is no body, or it is not JSON",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: there is none of this name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "there is none of this name",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CONFIG_PUSH_UNSUPPORTED: it is away, or takes none */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CONFIG_PUSH_UNSUPPORTED",
                     *         "message": "it is away, or takes none",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_BODY_TOO_LARGE: `configPush.maxBytes` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BODY_TOO_LARGE",
                     *         "message": "`configPush.maxBytes`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`) */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNSUPPORTED_MEDIA_TYPE",
                     *         "message": "a body must be JSON (`Content-Type: application/json`)",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_TOO_MANY_PUSHES: `push.maxPending` */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_TOO_MANY_PUSHES",
                     *         "message": "`push.maxPending`",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getPolicyConfigPush: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description name of a policy agent */
                name: string;
                /** @description push_id */
                push_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyPushDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no such push, or none that is remembered */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no such push, or none that is remembered",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getPorts: {
        parameters: {
            query?: {
                /** @description entries to show at the most; all unless given */
                limit?: number;
                /** @description `next_cursor` of the page before */
                cursor?: string;
                /** @description what to sort by, the smallest first; with `-` the largest. Pages are by `port` unless given */
                sort?: "port" | "-port";
                /** @description those of agents with that id, exact or with `*` for any characters */
                agent_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PortsDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a parameter that there is not, or a malformed one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    listServers: {
        parameters: {
            query?: {
                /** @description entries to show at the most; all unless given */
                limit?: number;
                /** @description `next_cursor` of the page before */
                cursor?: string;
                /** @description what to sort by, the smallest first; with `-` the largest. Pages are by `bind` unless given */
                sort?: "name" | "-name" | "bind" | "-bind" | "connections" | "-connections" | "requests" | "-requests";
                /** @description those in that state */
                state?: "stopped" | "starting" | "running" | "stopping" | "failed" | "disabled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerListDto"];
                };
            };
            /** @description BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_BAD_REQUEST",
                     *         "message": "a parameter that there is not, or a malformed one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    restartServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as `GET /servers` has it, percent-encoded */
                bind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerDto"];
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_CROSS_SITE: asked by a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_CROSS_SITE",
                     *         "message": "asked by a page of another origin",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_NOT_FOUND: no server listens there */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_NOT_FOUND",
                     *         "message": "no server listens there",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_SERVER_START_FAILED: the port cannot be had now; the server is tried again (`agentPorts.restartAttempts`) */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_SERVER_START_FAILED",
                     *         "message": "the port cannot be had now",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadinessDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description what is down stands in `error` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadinessDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prometheus text format 0.0.4 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description BERTH_UNAUTHENTICATED: no token, or a wrong one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_UNAUTHENTICATED",
                     *         "message": "no token, or a wrong one",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description BERTH_HOST_NOT_ALLOWED: a name that is not its own */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_HOST_NOT_ALLOWED",
                     *         "message": "a name that is not its own",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
            /** @description any error that is not named here */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "error": {
                     *         "code": "BERTH_INTERNAL",
                     *         "message": "internal",
                     *         "request_id": "req-4f1c0a9be2d1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ErrorDto"];
                    "application/problem+json": components["schemas"]["ProblemDto"];
                };
            };
        };
    };
}
