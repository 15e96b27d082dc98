// The order of the hits, and by which value of a column they are counted and chosen.

import type { ExplorerStore } from "../../explorer/store";
import { ORDERS, type Order } from "../../kernel/explorerProtocol";
import { Choice } from "../Choice";
import { Facets } from "./Facets";

const ORDER_NAMES: Readonly<Record<Order, string>> = {
  best: "best first",
  worst: "lowest first",
  time: "in order of time",
};

export function Filters({ store, focusGrid }: { store: ExplorerStore; focusGrid: () => void }) {
  const { column, order, by } = store.state.viewState.value;
  const names = store.hits.names.value;
  const sortings: readonly [Order, string, string][] = [
    ...ORDERS.map((name): [Order, string, string] => [name, "", ORDER_NAMES[name]]),
    ...names.flatMap((name): [Order, string, string][] => [
      ["best", name, `most ${name}`],
      ["worst", name, `least ${name}`],
    ]),
  ];
  return (
    <div class="va-filters">
      <Choice
        name="Order"
        options={sortings.map(([, , text]) => text)}
        value={sortings.find((item) => item[0] === order && item[1] === by)?.[2] ?? ""}
        choose={(chosen) => {
          const [name, value] = sortings.find(([, , text]) => text === chosen) ?? [];
          if (name && value !== undefined) void store.hits.run({ order: name, by: value });
        }}
        focusGrid={focusGrid}
      />
      <Choice
        name="Count by"
        title="Count the clips by a column, and choose some of them"
        options={["", ...(store.state.catalogue.value?.columns ?? [])]}
        names={{ "": "count by …" }}
        value={column}
        choose={(chosen) => void store.hits.run({ column: chosen, values: [] })}
        focusGrid={focusGrid}
      />
      {column && <Facets key={column} store={store} column={column} />}
    </div>
  );
}
