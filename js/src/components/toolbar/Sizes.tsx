// The width of the cards, and how many are on a page.

import { MAX_CARD_WIDTH, MIN_CARD_WIDTH } from "../../state/viewState";
import { Choice } from "../Choice";

const PAGE_SIZES = ["0", "5", "12", "24", "48", "100"];

interface Props {
  readonly size: number; // px
  readonly page: number; // cards; 0: as many as fit
  readonly change: (sizes: { size?: number; page?: number }) => void;
  readonly focusGrid: () => void;
}

export function Sizes({ size, page, change, focusGrid }: Props) {
  return (
    <span class="va-sizes">
      <input
        type="range"
        class="va-size"
        aria-label="Card size"
        title="Card size"
        min={MIN_CARD_WIDTH}
        max={MAX_CARD_WIDTH}
        step={20}
        value={size}
        onInput={(event) => change({ size: Number(event.currentTarget.value) })}
      />
      <Choice
        name="Cards a page"
        options={PAGE_SIZES}
        names={{ "0": "fit" }}
        value={String(page)}
        choose={(chosen) => change({ page: Number(chosen) })}
        focusGrid={focusGrid}
      />
    </span>
  );
}
