# syntax=docker/dockerfile:1
# One image for every role; IM_SERVICES says which services a container runs. Without settings it runs the whole product in one
# process, with its data in /data.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    IM_HOST=0.0.0.0 \
    IM_DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY deploy/healthcheck.js ./
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD node healthcheck.js "http://127.0.0.1:${IM_METRICS_PORT:-9464}/health/ready"
ENTRYPOINT ["node", "--disable-warning=TimeoutNegativeWarning", "node_modules/moleculer/bin/moleculer-runner.js"]
CMD ["--config", "dist/moleculer.config.js", "--mask", "**/*.service.js", "dist/services"]
