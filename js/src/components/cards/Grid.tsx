// The annotator's cards: a page of a list, or in review one long list.

import type { RefObject } from "preact";
import { useCallback } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import type { Card } from "../../kernel/protocol";
import { CardGrid } from "./CardGrid";
import { CardView } from "./CardView";
import { EmptyList } from "./EmptyList";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly grid: RefObject<HTMLDivElement>;
}

export function Grid({ store, view, grid }: Props) {
  const { size, tab, page } = store.state.viewState.value;
  const isLong = tab === "review";
  const clips = store.lists.clips.value;
  const onSize = useCallback((perPage: number) => void store.connection.open(perPage), [store]);
  const onResized = useCallback(() => void store.lists.resize(view.clip.value), [store, view]);
  const onRange = useCallback((first: number, last: number) => store.lists.review.load(first, last), [store]);
  const cardAt = (index: number): Card | undefined =>
    isLong
      ? store.lists.review.content.value.cards.get(clips[index] ?? "")
      : store.lists.page.value?.cards[index];
  return (
    <CardGrid
      grid={grid}
      label={`${tab} results`}
      clips={clips}
      cards={view.cards}
      size={size}
      page={page}
      busy={store.lists.loading.value}
      empty={<EmptyList store={store} />}
      onSize={onSize}
      onResized={onResized}
      onFocus={(hasKeyboard) => {
        view.hasKeyboard.value = hasKeyboard;
      }}
      onRange={isLong ? onRange : undefined}
      renderCard={(clip, place) => (
        <CardView
          key={clip}
          store={store}
          view={view}
          clip={clip}
          card={cardAt(place.index)}
          index={place.index}
          id={place.id}
          width={place.width}
        />
      )}
    />
  );
}
