import type { Database } from "../database/port.ts";

interface MarkRow {
  worker_id: number;
  until_ms: number;
}

/** SQL of the time up to which each worker id may have made ids, and who may reserve more. */
export class IdMarks {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  async all(): Promise<Map<number, number>> {
    const rows = await this.#sql.select<MarkRow>("SELECT worker_id, until_ms FROM id_mark");
    return new Map(rows.map((row) => [row.worker_id, row.until_ms]));
  }

  /**
   * Makes `owner` the only one who can reserve time for the worker id. `floorMs`: what was reserved before; ids may have been
   * made up to there.
   */
  async claim(workerId: number, owner: string, now: number, reserveMs: number): Promise<{ floorMs: number; untilMs: number }> {
    return this.#sql.transaction(async (tx) => {
      await this.#sql.insertRows("id_mark", [{ worker_id: workerId, until_ms: 0, owner }], "keep", tx);
      // Takes the row's lock before it is read.
      await this.#sql.execute("UPDATE id_mark SET owner = :owner WHERE worker_id = :workerId", { owner, workerId }, tx);
      const [row] = await this.#sql.select<MarkRow>(
        "SELECT worker_id, until_ms FROM id_mark WHERE worker_id = :workerId",
        { workerId },
        tx,
      );
      const floorMs = row!.until_ms;
      const untilMs = Math.max(floorMs, now) + reserveMs;
      await this.#sql.execute("UPDATE id_mark SET until_ms = :untilMs WHERE worker_id = :workerId", { untilMs, workerId }, tx);
      return { floorMs, untilMs };
    });
  }

  /** False when someone else has claimed the worker id. `untilMs` must be greater than what is reserved. */
  async extend(workerId: number, owner: string, untilMs: number): Promise<boolean> {
    return (await this.#set(workerId, owner, untilMs)) > 0;
  }

  /** Frees the time after `lastMs`, unless someone else has claimed the worker id. */
  async giveBack(workerId: number, owner: string, lastMs: number): Promise<void> {
    await this.#set(workerId, owner, lastMs);
  }

  #set(workerId: number, owner: string, untilMs: number): Promise<number> {
    return this.#sql.execute("UPDATE id_mark SET until_ms = :untilMs WHERE worker_id = :workerId AND owner = :owner", {
      untilMs,
      workerId,
      owner,
    });
  }
}
