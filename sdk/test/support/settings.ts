/** Of the servers that tests start. */
export const SERVER_SETTINGS = { IM_LOG_LEVEL: "warn", IM_RATE_LIMITS: "off" } as const;
