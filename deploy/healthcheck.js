// Run inside the image by its health check: exit code 0 when the address given as argument answers 200 in time, else 1.
import { get } from "node:http";

const TIMEOUT_MS = 2_500;

get(process.argv[2] ?? "", { timeout: TIMEOUT_MS }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on("timeout", () => process.exit(1))
  .on("error", () => process.exit(1));
