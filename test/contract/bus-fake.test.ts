import { testBus } from "./bus.ts";

/** Between nodes of one process, with everything made into bytes and back. */
testBus("Fake", { broker: { transporter: "Fake" } });
