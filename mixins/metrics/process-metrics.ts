import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";

const NANOSECONDS = 1e-9;

/**
 * CPU, memory and event loop of this process, read at each scrape. (prom-client's own collection observes the whole process
 * without end; several nodes live in one process here.) @returns stops measuring
 */
export function registerProcessMetrics(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let previous = performance.eventLoopUtilization();
  const add = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  add("process_start_time_seconds", "Start of the process, Unix time", () => performance.timeOrigin / 1_000);
  add("process_cpu_seconds_total", "CPU time of the process, user and system", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  add("process_resident_memory_bytes", "Memory of the process", () => process.memoryUsage.rss());
  add("nodejs_heap_used_bytes", "Used part of the JavaScript heap", () => process.memoryUsage().heapUsed);
  add("nodejs_event_loop_utilization", "Share of the time since the last scrape that the event loop worked", () => {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, previous);
    previous = current;
    return utilization;
  });
  add("nodejs_event_loop_lag_max_seconds", "Longest delay of the event loop since the last scrape", () => {
    const { max } = delay;
    delay.reset();
    return max * NANOSECONDS;
  });
  return () => void delay.disable();
}
