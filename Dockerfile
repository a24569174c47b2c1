# One image, three commands: gateway (the default), agent, sample-service.
# The base must bring Node >= 24.18.1 and npm.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY . .
# Without install scripts: they would fetch a second Node (the npm package `node`,
# 120 MB), which only a machine with an older one needs.
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npx tsc -b apps/gateway/tsconfig.build.json apps/agent/tsconfig.build.json examples/tsconfig.build.json \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && find apps libs examples -name src -prune -exec rm -rf {} + \
 && find apps libs examples -name '*.map' -delete \
 && chmod 755 apps/*/dist/main.js examples/dist/sample-service/main.js

FROM ${BASE_IMAGE}
ENV NODE_ENV=production CONFIG_FILE=/etc/berth/application.yaml STATE_FILE=/var/lib/berth/state.db
WORKDIR /opt/berth
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/proto proto
COPY --from=build /build/libs libs
COPY --from=build /build/apps apps
COPY --from=build /build/examples/dist/sample-service examples/dist/sample-service
COPY examples/config/container.yaml /etc/berth/application.yaml
RUN ln -s /opt/berth/apps/gateway/dist/main.js /usr/local/bin/gateway \
 && ln -s /opt/berth/apps/agent/dist/main.js /usr/local/bin/agent \
 && ln -s /opt/berth/examples/dist/sample-service/main.js /usr/local/bin/sample-service \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin berth \
 && install -d -m 0700 -o 10001 /var/lib/berth

# Leases of ports; without a volume they end with the container.
VOLUME /var/lib/berth

USER 10001
# Admin, gRPC, agents.
EXPOSE 8080 9090 8100-8110
# Of the gateway; an agent listens nowhere and switches it off (docker-compose.yml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["gateway"]
