// The order of the hits, and by which value of a column they are counted and chosen.

import type { ExplorerStore } from "../../explorer/store";
import { ORDERS, type Order } from "../../kernel/explorerProtocol";
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
      <select
        class="va-select"
        aria-label="Order"
        value={String(sortings.findIndex((item) => item[0] === order && item[1] === by))}
        onChange={(event) => {
          const [chosen, name] = sortings[Number(event.currentTarget.value)] ?? [];
          if (chosen && name !== undefined) void store.hits.run({ order: chosen, by: name });
          focusGrid();
        }}
      >
        {sortings.map(([, , text], index) => (
          <option key={text} value={String(index)}>
            {text}
          </option>
        ))}
      </select>
      <select
        class="va-select"
        aria-label="Count by"
        title="Count the clips by a column, and choose some of them"
        value={column}
        onChange={(event) => {
          void store.hits.run({ column: event.currentTarget.value, values: [] });
          focusGrid();
        }}
      >
        <option value="">count by …</option>
        {store.state.catalogue.value?.columns.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {column && <Facets key={column} store={store} column={column} />}
    </div>
  );
}
