// One clip: its filmstrip, its label buttons, and a line of text.

import { useComputed } from "@preact/signals";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { shortcut } from "../../input/keys";
import { type Card, VALUES } from "../../kernel/protocol";
import { joinReasons, withoutParts } from "../../lists/reasons";
import { timeRange } from "../../lists/time";
import { remarkText } from "../../state/remarks";
import { Icon, Mark } from "../icons";
import { LabelButton } from "../LabelButton";
import { MotionMark } from "../MotionMark";
import { VideoName } from "../VideoName";
import { Thumb } from "./Thumb";
import { Votes } from "./Votes";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
  readonly card: Card | undefined; // undefined while it is loading
  readonly index: number;
  readonly id: string;
  readonly width: number; // px
}

export function CardView({ store, view, clip, card, index, id, width }: Props) {
  const label = useComputed(() => store.labels.get(clip) ?? null).value;
  const unsaved = useComputed(() => store.labels.unsaved.value.has(clip)).value;
  const current = useComputed(() => view.cards.focus.value === index).value;
  // What the keyboard is about to label plays, unless the player shows it.
  const plays = useComputed(
    () => view.cards.focus.value === index && view.hasKeyboard.value && !view.player.open.value,
  ).value;
  const selected = useComputed(() => view.cards.selected.value.has(index)).value;
  const { keys, tab } = store.state.viewState.value;
  // Of a search and of similar clips the score is a cosine: a gauge would show it as if it were a probability.
  const isSimilarity = ["search", "similar"].includes(store.lists.source);
  const isReview = tab === "review";
  // What the classifier and others say in review is about the label that the clip had when it was listed.
  const isOutdated = isReview && card !== undefined && label !== card.label;
  const why = card && !isOutdated ? explain(card, isReview) : "";
  const ownWhy = withoutParts(why, store.lists.sharedReasons.value);
  const dispute = card?.dispute;
  const hasDecided = useComputed(() => store.labelling.hasDecided(clip)).value && label !== null;
  const decision = hasDecided ? "decided" : dispute?.decides ? "you decide" : "";
  const classes = [
    "va-card",
    label ? `va-is-${label}` : "",
    unsaved ? "va-unsaved" : "",
    selected ? "va-selected" : "",
    current ? "va-current" : "",
  ];
  const remarked = useComputed(() => store.lists.remarks.get(clip)).value;
  const remark = remarkText(remarked);
  const othersRemark = remarked.others;
  const remarkTitle = [remark, othersRemark].filter(Boolean).join("\n");
  const labelText = label ? `${label}${unsaved ? ", not saved yet" : ""}` : "no label";
  // Where the move is why the card is shown, it is said once.
  const motion = card?.motion ?? null;
  const isMove = motion !== null && why === motion.words;
  const spoken = card && [
    decision,
    card.video,
    timeRange(card, " to "),
    why,
    isMove ? "" : motion?.words,
    remarkTitle,
  ];
  const about = spoken?.filter(Boolean).join(", ") ?? "loading";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the root handles every key
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card
    <div
      class={classes.filter(Boolean).join(" ")}
      role="gridcell"
      id={id}
      data-clip={clip}
      data-label={label ?? ""}
      data-index={index}
      aria-label={`${labelText}: ${about}`}
      aria-selected={selected}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) view.cards.toggle(index);
        else view.cards.focusCard(index, event.shiftKey);
        const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
        if (isPlain && (event.target as Element).closest(".va-thumb")) view.player.open.value = true;
      }}
    >
      <Thumb media={store.media} clip={clip} plays={plays} width={width} />
      {label && (
        <span class="va-badge">
          <Mark value={label} /> {label}
          {decision && ` · ${decision}`}
          {unsaved && <span class="va-badge-unsaved"> · unsaved</span>}
        </span>
      )}
      {decision && !label && <span class="va-badge va-decide">{decision}</span>}
      {(remark || othersRemark) && (
        <span class={remark ? "va-remark" : "va-remark va-of-others"} title={remarkTitle}>
          {remark || othersRemark}
        </span>
      )}
      {card && !isSimilarity && !isOutdated && <Score card={card} review={isReview} />}
      <span class="va-buttons">
        {VALUES.map((value) => (
          <LabelButton
            key={value}
            value={value}
            pressed={label === value}
            keys={keys}
            tabIndex={-1}
            onClick={(event) => {
              event.stopPropagation();
              view.pressLabel(index, value);
            }}
          />
        ))}
        <button
          type="button"
          tabIndex={-1}
          class="va-label va-alike"
          aria-label="More like this"
          title={`More like this (${shortcut("alike", keys)})`}
          onClick={(event) => {
            event.stopPropagation();
            void store.navigation.openSimilar(clip);
          }}
        >
          <Icon name="alike" />
        </button>
      </span>
      {card && (
        <div class="va-line" title={lineTitle(card, why, isSimilarity)}>
          {dispute ? (
            <Votes dispute={dispute} own={hasDecided} />
          ) : (
            <span class="va-why">{isMove ? <MotionMark motion={motion} full /> : ownWhy}</span>
          )}
          {/* Who calls the clip what needs the whole line. */}
          {!card.note && !dispute && (
            <>
              {motion && !isMove && <MotionMark motion={motion} />}
              <VideoName name={card.video} />
              <span class="va-time">{timeRange(card)}</span>
            </>
          )}
        </div>
      )}
    </div>
  );
}

function Score({ card, review }: { card: Card; review: boolean }) {
  const score = review ? card.suspicion : card.score;
  if (score === null) return null;
  const share = Math.max(0, Math.min(1, score));
  return (
    <>
      <span class="va-score" title={review ? "How far the classifier disagrees with the label" : "Score"}>
        {score.toFixed(2).replace(/^0/, "")}
      </span>
      <span class="va-gauge">
        <span class="va-bar" style={{ width: `${share * 100}%` }} />
      </span>
    </>
  );
}

// All of the line, part of which may be cut, and the similarity where that is what the clips are ordered by.
function lineTitle(card: Card, why: string, isSimilarity: boolean): string {
  const move = card.motion?.words ?? "";
  const parts = [why, move === why ? "" : move, card.video, timeRange(card)];
  if (isSimilarity && card.score !== null)
    parts.push(`similarity ${card.score.toFixed(2)}: orders the clips, and is no probability`);
  return parts.filter(Boolean).join(" · ");
}

// Why the card is shown; in review, what others and the classifier say against its label.
function explain(card: Card, isReview: boolean): string {
  const reason = isReview || card.suspicion === null ? card.reason : ""; // elsewhere a score is shown instead
  return joinReasons(card.note, reason);
}
