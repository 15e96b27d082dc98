// What the user looks at in the explorer, and how. The kernel keeps it in the widget's `explored` trait, so that a reload
// of the page restores it.

import { type Keys, readKeys } from "../input/keys";
import { ORDERS, type Order } from "../kernel/explorerProtocol";
import { readViewState } from "../state/viewState";

export const TRAIT = "explored";

export interface ExplorerViewState {
  readonly query: string; // whose clips are shown
  readonly column: string; // by whose values clips are counted and chosen; "" for none
  readonly values: readonly string[]; // those that are chosen; all for none
  readonly order: Order;
  readonly by: string; // a name of the query; "": the query's own score
  readonly labelling: boolean; // the annotator is shown in the explorer's place
  readonly size: number; // width of a card, px
  readonly page: number; // cards a page; 0: as many as fit
  readonly keys: Keys;
}

// A view state from an unchecked value: each field that makes no sense gets its default.
export function readExplorerViewState(value: unknown): ExplorerViewState {
  const saved = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const text = (field: unknown) => (typeof field === "string" ? field : "");
  const { size, page } = readViewState(saved);
  return {
    query: text(saved.query),
    column: text(saved.column),
    values: Array.isArray(saved.values) ? saved.values.filter((item) => typeof item === "string") : [],
    order: ORDERS.find((order) => order === saved.order) ?? "best",
    by: text(saved.by),
    labelling: saved.labelling === true,
    size,
    page,
    keys: readKeys(saved.keys),
  };
}
