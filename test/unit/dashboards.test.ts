import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { METRICS } from "../../config/metrics.ts";
import type { MetricDef } from "../../config/metrics.ts";
import { errorTable } from "../../contracts/errors.ts";
import { MetricRegistry } from "../../mixins/metrics/registry.ts";
import { ROOT } from "../support/server-process.ts";

interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
}

const read = (file: string): string => readFileSync(join(ROOT, "deploy", file), "utf8");
const rules = (parse(read("prometheus/alerts.yml")) as Rules).groups.flatMap((group) => group.rules);
const DASHBOARDS = "grafana/dashboards";
const dashboards = readdirSync(join(ROOT, "deploy", DASHBOARDS)).map((file) => {
  const { panels } = JSON.parse(read(`${DASHBOARDS}/${file}`)) as { panels: Panel[] };
  return { file, panels };
});
const expressions = [
  ...rules.map(({ alert, expr }) => ({ of: alert, expr })),
  ...dashboards.flatMap(({ panels }) =>
    panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: title, expr }))),
  ),
];

/** Names of what is measured on the way from a send to the database, and of events on theirs. */
const PIPELINE = /^im_(messages|accept|send|persist|pending|log|outbox)_/;
/** What Prometheus itself puts on each series. */
const TARGET_LABELS = ["job", "instance", "node"];
const declared: Readonly<Record<string, MetricDef>> = METRICS;

/** The metric that a series belongs to, by the names that a node serves. */
function metricOf(series: string, served: ReadonlySet<string>): string | undefined {
  const base = series.replace(/_(bucket|sum|count)$/, "");
  if (served.has(series)) return series;
  return declared[base]?.type === "histogram" ? base : undefined;
}

async function servedNames(): Promise<Set<string>> {
  const registry = new MetricRegistry();
  try {
    return new Set([...(await registry.text()).matchAll(/^# TYPE (\w+)/gm)].map(([, name = ""]) => name));
  } finally {
    registry.close();
  }
}

const seriesIn = (expr: string): { name: string; matchers: string }[] =>
  [...expr.matchAll(/\b((?:im|nodejs|process|up)(?:_[a-z0-9_]+)?)\b(?:\{([^}]*)\})?/g)].map(([, name = "", matchers = ""]) => ({
    name,
    matchers,
  }));

describe("alerts and dashboards", () => {
  it("ask for metrics that a node serves", async () => {
    const served = await servedNames();
    assert.ok(served.has("im_log_lag") && served.has("process_start_time_seconds"));
    for (const { of, expr } of expressions) {
      const names = seriesIn(expr).map(({ name }) => name);
      assert.ok(names.length > 0, of);
      const unknown = names.filter((name) => name !== "up" && metricOf(name, served) === undefined);
      assert.deepEqual(unknown, [], of);
    }
  });

  it("choose by labels that these metrics have, and by reasons that there are", async () => {
    const served = await servedNames();
    for (const { of, expr } of expressions) {
      for (const { name, matchers } of seriesIn(expr)) {
        const labels = [...(declared[metricOf(name, served) ?? ""]?.labels ?? []), ...TARGET_LABELS, "le"];
        for (const [, label = "", value = ""] of matchers.matchAll(/(\w+)\s*=~?\s*"([^"]*)"/g)) {
          assert.ok(labels.includes(label), `${of}: ${label}`);
          if (label === "reason") for (const reason of value.split("|")) assert.ok(reason in errorTable, `${of}: ${reason}`);
        }
      }
    }
  });

  it("say in docs/deployment.md what to do about each alert", () => {
    const chapters = read("../docs/deployment.md").split(/^## /m);
    const alerts = chapters.find((chapter) => chapter.startsWith("Alerts\n")) ?? "";
    const documented = [...alerts.matchAll(/^\| `(\w+)` /gm)].map(([, name = ""]) => name);
    assert.deepEqual(
      documented,
      rules.map(({ alert }) => alert),
    );
  });

  it("show each metric of the pipeline", () => {
    const shown = dashboards
      .flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)))
      .join();
    const pipeline = Object.keys(METRICS).filter((name) => PIPELINE.test(name));
    assert.ok(pipeline.length > 10);
    const missing = pipeline.filter((name) => !shown.includes(name));
    assert.deepEqual(missing, []);
  });
});

describe("dashboards", () => {
  for (const { file, panels } of dashboards) {
    it(`${file} names each panel once, and lays them out side by side`, () => {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
      const taken = new Set<string>();
      for (const { title, gridPos } of panels) {
        assert.ok(gridPos.x + gridPos.w <= 24, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            assert.ok(!taken.has(`${x},${y}`), `${title} lies on another panel`);
            taken.add(`${x},${y}`);
          }
        }
      }
    });

    it(`${file} reads from the data source that is provisioned`, () => {
      const provisioned = parse(read("grafana/provisioning/datasources/prometheus.yml")) as { datasources: { uid: string }[] };
      const uids = provisioned.datasources.map(({ uid }) => uid);
      for (const { targets = [] } of panels) for (const { datasource } of targets) assert.ok(uids.includes(datasource.uid));
    });
  }
});
