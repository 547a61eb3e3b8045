import { memoryConversations } from "./conversations-memory.ts";
import { memoryLeases } from "./leases-memory.ts";
import { memoryLimits } from "./limits-memory.ts";
import type { HotStore } from "./port.ts";
import { memoryPresence } from "./presence-memory.ts";
import { memorySessions } from "./sessions-memory.ts";

/** The hot store of the embedded profile: in this process, empty after a restart. */
export function memoryHotStore(): HotStore {
  return {
    conversations: memoryConversations(),
    sessions: memorySessions(),
    presence: memoryPresence(),
    limits: memoryLimits(),
    leases: memoryLeases(),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
