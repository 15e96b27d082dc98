import { Icon } from "./icons";

export function PreviousPage({ index, onClick }: { index: number; onClick: () => void }) {
  return (
    <button
      type="button"
      class="va-quiet va-small"
      aria-label="Previous page"
      title="Previous page"
      aria-disabled={index === 0}
      onClick={onClick}
    >
      <Icon name="back" />
    </button>
  );
}
