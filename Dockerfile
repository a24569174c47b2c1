# One image, three commands: gateway (the default), agent, sample-service.
# The base must bring Node >= 24.18.1 and npm.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Without install scripts: they would fetch a second Node (the npm package `node`,
# 120 MB), which only a machine with an older one needs.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY apps apps
COPY libs libs
COPY examples examples
RUN npm run build && chmod 755 dist/apps/*/src/main.js dist/examples/sample-service/main.js

FROM ${BASE_IMAGE}
ENV NODE_ENV=production CONFIG_FILE=/etc/berth/application.yaml
WORKDIR /opt/berth
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY proto proto
COPY --from=build /build/dist/apps dist/apps
COPY --from=build /build/dist/libs dist/libs
COPY --from=build /build/dist/examples/sample-service dist/examples/sample-service
COPY examples/config/container.yaml /etc/berth/application.yaml
RUN ln -s /opt/berth/dist/apps/gateway/src/main.js /usr/local/bin/gateway \
 && ln -s /opt/berth/dist/apps/agent/src/main.js /usr/local/bin/agent \
 && ln -s /opt/berth/dist/examples/sample-service/main.js /usr/local/bin/sample-service \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin berth

USER 10001
# Admin, gRPC, agents.
EXPOSE 8080 9090 8100-8110
# Of the gateway; an agent listens nowhere and switches it off (docker-compose.yml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["gateway"]
