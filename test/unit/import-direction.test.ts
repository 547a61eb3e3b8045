import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "node:test";
import { Linter } from "eslint";
import tseslint from "typescript-eslint";
import { importDirection } from "../../scripts/eslint/import-direction.js";

const ROOT = path.resolve("/repository");

/** The messages that `code` gets when it stands in `file` of the repository. */
function lint(file: string, code: string): string[] {
  const linter = new Linter({ cwd: ROOT });
  const messages = linter.verify(
    code,
    {
      files: ["**/*.ts"],
      languageOptions: { parser: tseslint.parser },
      plugins: { im: { rules: { "import-direction": importDirection } } },
      rules: { "im/import-direction": ["error", { root: ROOT }] },
    },
    path.join(ROOT, file),
  );
  return messages.map(({ message }) => message);
}

const ALLOWED = [
  ["services/message/send.ts", "../../mixins/database/port.ts"],
  ["services/message/send.ts", "./repository.ts"],
  ["services/message/lua/scripts.ts", "../store.ts"],
  ["services/index.ts", "./message/message.service.ts"],
  ["mixins/database/sqlite.ts", "../../lib/page.ts"],
  ["mixins/hot-store/redis.ts", "../../config/redis-keys.ts"],
  ["lib/call.ts", "../contracts/index.ts"],
  ["config/topics.ts", "../contracts/limits.ts"],
  ["contracts/message.ts", "./limits.ts"],
  ["contracts/message.ts", "typebox"],
  ["contracts/openapi.ts", "../package.json"],
  ["test/unit/send.test.ts", "../../services/message/send.ts"],
  ["sdk/src/rest.ts", "../../contracts/routes.ts"],
  ["sdk/src/core/apply.ts", "../../../contracts/limits.ts"],
  ["sdk/src/quotes.ts", "../../contracts/quotes.ts"],
  ["sdk/src/core/apply.ts", "../store/port.ts"],
  ["sdk/test/client.test.ts", "../../create-im.ts"],
  ["web/src/chat/rows.ts", "@moleculer-im/client"],
  ["web/src/chat/rows.ts", "../../../sdk/src/index.ts"],
  ["web/src/chat/rows.ts", "../../../contracts/limits.ts"],
  ["web/src/chat/rows.ts", "../ui/errors.ts"],
  ["web/vite.config.ts", "../scripts/web-client/build.ts"],
  ["test/e2e/client.test.ts", "../../sdk/src/index.ts"],
  ["create-im.ts", "./services/index.ts"],
] as const;

const FORBIDDEN = [
  ["services/message/send.ts", "../group/repository.ts"],
  ["services/message/lua/scripts.ts", "../../group/repository.ts"],
  ["services/message/send.ts", "../index.ts"],
  ["services/message/send.ts", "../../test/support/node.ts"],
  ["mixins/database/sqlite.ts", "../../services/message/repository.ts"],
  ["lib/call.ts", "../mixins/database/port.ts"],
  ["config/topics.ts", "../lib/page.ts"],
  ["contracts/message.ts", "../config/limits.ts"],
  ["contracts/message.ts", "../index.ts"],
  ["sdk/src/rest.ts", "../../contracts/entities.ts"],
  ["sdk/src/rest.ts", "../../lib/page.ts"],
  ["sdk/src/rest.ts", "../../web/src/main.ts"],
  ["sdk/src/rest.ts", "../test/store/kinds.ts"],
  ["sdk/src/rest.ts", "../../create-im.ts"],
  ["web/src/chat/rows.ts", "../../../contracts/entities.ts"],
  ["web/src/chat/rows.ts", "../../../sdk/src/store/memory.ts"],
  ["web/src/chat/rows.ts", "@moleculer-im/client/node"],
  ["web/src/chat/rows.ts", "../../../config/limits.ts"],
  ["web/src/chat/rows.ts", "../../test/chat/rows.ts"],
  ["services/api/app.ts", "../../web/src/main.ts"],
  ["services/api/app.ts", "@moleculer-im/client"],
  ["contracts/message.ts", "../sdk/src/index.ts"],
  ["create-im.ts", "./sdk/src/index.ts"],
  ["runtime/node.ts", "../web/src/main.ts"],
] as const;

describe("import-direction", () => {
  for (const [file, target] of ALLOWED) {
    it(`lets ${file} import ${target}`, () => assert.deepEqual(lint(file, `import "${target}";`), []));
  }

  for (const [file, target] of FORBIDDEN) {
    it(`refuses ${target} in ${file}`, () => assert.equal(lint(file, `import "${target}";`).length, 1));
  }

  for (const code of [
    `import type { Page } from "../lib/page.ts";`,
    `export { page } from "../lib/page.ts";`,
    `export * from "../lib/page.ts";`,
    `const page = await import("../lib/page.ts");`,
    `type Page = import("../lib/page.ts").Page;`,
  ]) {
    it(`sees ${code}`, () =>
      assert.deepEqual(lint("config/some.ts", code), ["config/ imports only contracts, not lib/page.ts."]));
  }

  for (const code of [
    `import type { Message } from "../../contracts/entities.ts";`,
    `export type * from "../../contracts/entities.ts";`,
    `type Message = import("../../contracts/entities.ts").Message;`,
  ]) {
    it(`lets clients take types: ${code}`, () => assert.deepEqual(lint("sdk/src/some.ts", code), []));
  }

  it("tells types from values that are imported beside them", () => {
    const code = `import { Message, type Group } from "../../contracts/entities.ts";`;
    const problem = "sdk/ imports types alone from contracts/entities.ts: its values bring schemas with them.";
    assert.deepEqual(lint("sdk/src/some.ts", code), [problem]);
    assert.equal(lint("sdk/src/some.ts", `import type { Page } from "../../lib/page.ts";`).length, 1);
  });
});
