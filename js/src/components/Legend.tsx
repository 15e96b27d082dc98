// What the page shows, in the words of somebody who edits films: the steps, the feeds, the figures, when to stop.

import type { Status } from "../kernel/protocol";
import { feedName, feedPurpose } from "../lists/feeds";

export function Legend({ status }: { status: Status | null }) {
  return (
    <>
      <p>
        Search for first examples and say yes or no. Then let the feeds choose what you see: with every batch
        of labels the classifier learns what you mean. Review shows the labels it doubts.
      </p>
      <dl class="va-legend">
        {status?.feeds.map((feed) => (
          <Entry key={feed} term={feedName(feed)} text={`${feedPurpose(feed)}.`} />
        ))}
        {status?.motion && (
          <Entry
            term="arrow, static, …"
            text="How the camera moves in a clip, as measured: hover over it to read it in full. Search finds moves, too: pan left, zoom in, static shot, shaky, fast action, also beside other words."
          />
        )}
        <Entry
          term="quality"
          text="How well the classifier sorts all the clips there are: 1.00 puts every yes before every no. It is estimated from your labels, and very likely lies between the two figures in brackets."
        />
        <Entry
          term="found … · in all about …"
          text="Found are the clips you called yes, and those without a label that score high enough. How many there are in all is estimated, and very likely lies between the two numbers in brackets."
        />
        <Entry
          term={`diversity ${status?.diversity.toFixed(2) ?? ""}`}
          text="How much of the footage your labels have touched, 0 to 1. If it stays low, look at random or search in other words: a kind of shot may be missing."
        />
        <Entry
          term={`version ${status?.version ?? ""}`}
          text="How many times the classifier has learnt. Clips that were shown before stay where they are."
        />
        <Entry
          term="when to stop"
          text="When new batches hardly change what is found, and random shows nothing you missed. The line under the header says so. Then look through Review and publish."
        />
      </dl>
    </>
  );
}

function Entry({ term, text }: { term: string; text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}
