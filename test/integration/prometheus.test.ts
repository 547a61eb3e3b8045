import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { parse, stringify } from "yaml";
import { ROOT, temporaryFolder } from "../support/server-process.ts";
import { toolFor } from "../support/tools.ts";

const FOLDER = join(ROOT, "deploy/prometheus");
const promtool = await toolFor("promtool");
/** @throws when it finds a fault */
const check = (...args: string[]) => promisify(execFile)(promtool.file, args, { cwd: FOLDER });

interface Cases {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}
interface Rules {
  groups: { rules: { alert: string }[] }[];
}
const read = (file: string): unknown => parse(readFileSync(join(FOLDER, file), "utf8"));

const DASHBOARDS = join(ROOT, "deploy/grafana/dashboards");
interface Dashboard {
  panels: { targets?: { expr: string }[] }[];
}

describe("dashboards", { skip: promtool.skip }, () => {
  for (const file of readdirSync(DASHBOARDS)) {
    it(`${file} asks in PromQL`, async () => {
      await using folder = await temporaryFolder();
      const { panels } = JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")) as Dashboard;
      const expressions = panels.flatMap(({ targets = [] }) =>
        targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m")),
      );
      assert.ok(expressions.length > 0);
      const rules = expressions.map((expr, index) => ({ record: `panel_${index}`, expr }));
      await writeFile(join(folder.path, "rules.yml"), stringify({ groups: [{ name: "panels", rules }] }));
      await check("check", "rules", join(folder.path, "rules.yml"));
    });
  }
});

describe("alerts", { skip: promtool.skip }, () => {
  it("are rules that Prometheus reads, with its configuration", async () => {
    await check("check", "config", "prometheus.yml");
  });

  it("fire when they should, with texts that say what is wrong, and keep silent when they should", async () => {
    await check("test", "rules", "alerts.test.yml");
  });

  it("would fail their tests with another bound", async () => {
    await using folder = await temporaryFolder();
    const rules = readFileSync(join(FOLDER, "alerts.yml"), "utf8");
    await writeFile(
      join(folder.path, "alerts.yml"),
      rules.replace("im_pending_oldest_age_seconds) > 10", "im_pending_oldest_age_seconds) > 100"),
    );
    await writeFile(join(folder.path, "alerts.test.yml"), readFileSync(join(FOLDER, "alerts.test.yml")));
    await assert.rejects(check("test", "rules", join(folder.path, "alerts.test.yml")), /PendingTooLong/);
  });
});

describe("tests of the alerts", () => {
  it("make each alert fire in one case and keep silent in another", () => {
    const names = (read("alerts.yml") as Rules).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)).sort();
    const cases = (read("alerts.test.yml") as Cases).tests.flatMap((test) => test.alert_rule_test);
    const tested = (fires: boolean): string[] =>
      [...new Set(cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname))].sort();
    assert.deepEqual(tested(true), names);
    assert.deepEqual(tested(false), names);
  });
});
