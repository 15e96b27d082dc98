// Where the player is: beside its card, so that the card stays in sight.

const WIDEST = 720; // px
const NARROWEST = 360; // a narrower player is of no use, so it then lies over its card's columns
const GAP = 4;

// Left edge and width of a player beside a card whose left edge and width are given, in a stage of `stageWidth`; all in
// px. Takes the side with more room. Where both are too narrow, it covers the card's columns.
export function besideCard(left: number, width: number, stageWidth: number): { left: number; width: number } {
  const right = left + width + GAP;
  const [before, after] = [left - GAP, stageWidth - right];
  const room = Math.max(before, after);
  if (room < NARROWEST) {
    const playerWidth = Math.min(WIDEST, stageWidth);
    return { left: Math.max(0, Math.min(left, stageWidth - playerWidth)), width: playerWidth };
  }
  const playerWidth = Math.min(WIDEST, room);
  return { left: after >= before ? right : left - GAP - playerWidth, width: playerWidth };
}

// Top edge of the player, px: in the row of its card; below or above it if it lies over the card's columns. It stays
// within the stage, whose output a notebook may cut.
export function playerTop(
  card: { top: number; height: number },
  height: number,
  stageHeight: number,
  covers: boolean,
): number {
  const lowest = Math.max(0, stageHeight - height);
  if (!covers) return Math.max(0, Math.min(lowest, card.top));
  const below = card.top + card.height + GAP;
  const above = card.top - GAP - height;
  if (below <= lowest) return below;
  return above >= 0 ? above : Math.max(0, Math.min(lowest, card.top));
}
