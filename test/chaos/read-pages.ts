import type { HistoryItem } from "../../contracts/entities.ts";
import type { RestClient } from "../support/client.ts";
import type { Walk } from "./history.ts";

type Page = Walk["pages"][number];

/** An answer with an error. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`refused with ${code}`);
    this.code = code;
  }
}

/** Reads a history to its end, from either end. @throws Refusal */
export async function readPages(
  rest: RestClient,
  conversationId: string,
  direction: Walk["direction"],
  limit: number,
): Promise<Walk> {
  const pages: Page[] = [];
  for (let position = direction === "up" ? "afterSeq=0" : ""; ;) {
    const path = `/messages/conversations/${conversationId}/history?limit=${limit}&${position}`;
    const { code, data } = await rest.get<Page>(path);
    if (code !== 0) throw new Refusal(code);
    pages.push(data);
    const edge = direction === "up" ? lastSeqOf(data.items.at(-1)) : data.items[0]?.seq;
    if (edge === undefined) return { direction, pages };
    position = direction === "up" ? `afterSeq=${edge}` : `beforeSeq=${edge}`;
  }
}

const lastSeqOf = (item: HistoryItem | undefined): number | undefined => (item && "toSeq" in item ? item.toSeq : item?.seq);
