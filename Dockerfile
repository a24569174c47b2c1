# Images of the gateway (the default target), of an agent, and of the sample service of docker-compose.yml:
#   docker build -t berth-gateway .
#   docker build -t berth-agent --target agent .
# Gateway and agent are single executables on a bare system, without Node, npm or node_modules.

# Brings Node >= 24.18.1 and npm, with which the programs are built.
ARG BUILD_IMAGE=node:24-bookworm-slim
# Brings glibc and libstdc++, and for the health check bash and grep.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
# A CA that signs what the registry's connections come with: --build-arg EXTRA_CA="$(cat ca.pem)"
ARG EXTRA_CA=
# A registry in place of npm's.
ARG NPM_REGISTRY=
WORKDIR /build
COPY . .
# Without install scripts: they would fetch a second Node. Where the base's is not quite the one that the
# programs are tested with, that one is fetched.
RUN set -eu; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    if [ -n "$NPM_REGISTRY" ]; then export npm_config_registry="$NPM_REGISTRY"; fi; \
    npm ci --ignore-scripts --no-audit --no-fund; \
    node node_modules/typescript/bin/tsc -b apps/gateway/tsconfig.build.json apps/agent/tsconfig.build.json examples/tsconfig.build.json; \
    platform=$(node -p 'process.platform + "-" + process.arch'); \
    node tools/executables.ts --only "$platform" --out out; \
    mv "out/berth-gateway-$platform" out/berth-gateway; \
    mv "out/berth-agent-$platform" out/berth-agent; \
    mkdir -p out/state out/sample/node_modules; \
    cp -r examples/dist/sample-service out/sample/dist; \
    cp -r node_modules/ws out/sample/node_modules/ws; \
    echo '{ "type": "module" }' > out/sample/package.json; \
    find out/sample -name '*.map' -delete

FROM ${BUILD_IMAGE} AS sample-service
WORKDIR /opt/sample
COPY --from=build /build/out/sample ./
USER 10001
ENTRYPOINT ["node", "/opt/sample/dist/main.js"]

FROM ${BASE_IMAGE} AS agent
COPY --from=build /build/out/THIRD-PARTY.txt /build/LICENSE /usr/share/doc/berth/
COPY --from=build /build/out/berth-agent /usr/local/bin/berth-agent
# For the socket that `berth-agent status` asks: memory, which is there with a read-only file system too.
ENV XDG_RUNTIME_DIR=/dev/shm
USER 10001
# 0: connected to its gateway; 1: not; 3: does not run.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["berth-agent", "status"]
ENTRYPOINT ["berth-agent"]

FROM ${BASE_IMAGE} AS gateway
COPY --from=build /build/out/THIRD-PARTY.txt /build/LICENSE /usr/share/doc/berth/
COPY --from=build /build/out/berth-gateway /usr/local/bin/berth-gateway
COPY --from=build --chown=10001:10001 /build/out/state /var/lib/berth
COPY examples/config/container.yaml /etc/berth/application.yaml
ENV CONFIG_FILE=/etc/berth/application.yaml STATE_FILE=/var/lib/berth/state.db
# Which agent has which port; without a volume that ends with the container.
VOLUME /var/lib/berth
USER 10001
# Admin, gRPC, agents.
EXPOSE 8080 9090 8100-8110
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/${HTTP_HOST:-127.0.0.1}/${HTTP_PORT:-8080} && printf 'GET /health/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.1 200' <&3"]
ENTRYPOINT ["berth-gateway"]
