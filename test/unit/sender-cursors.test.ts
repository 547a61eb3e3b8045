import assert from "node:assert/strict";
import { test } from "node:test";
import { CursorWriter, SentCursors } from "../../services/conversation/cursors.ts";
import type { ConversationRepository, CursorMove } from "../../services/conversation/repository.ts";
import { waitFor } from "../support/wait.ts";

test("senders' cursors that could not be written are written later, though nobody sends any more", async () => {
  const tries: (readonly CursorMove[])[] = [];
  const repository = {
    async advance(moves: readonly CursorMove[]) {
      tries.push(moves);
      if (tries.length === 1) throw new Error("deadlock");
      return new Map();
    },
  } as unknown as ConversationRepository;
  const errors: unknown[] = [];
  const sent = new SentCursors();
  const writer = new CursorWriter(repository, sent, (error) => errors.push(error));
  writer.sent([{ conversationId: "d_1_2", userId: "1", readSeq: 7, at: 1 } as unknown as CursorMove]);
  const keepAlive = setInterval(() => undefined, 1_000); // the writer's own timer keeps no process
  await waitFor(() => tries.length === 2 && sent.waiting().length === 0, "the second try", 10_000);
  clearInterval(keepAlive);
  assert.equal(errors.length, 1);
  assert.deepEqual(tries[1], tries[0]);
});
