// The names of the feeds, what each is for, and which one is shown.

import type { Status } from "../kernel/protocol";

// The first two are of clips that the annotator was given to label, as by `va.monitor(…).session()` or `divide`.
const GIVEN = ["sample", "assigned"];
const FEEDS: Readonly<Record<string, readonly [name: string, purpose: string]>> = {
  sample: ["sample", "drawn at random to measure how good the model is: label all of it"],
  assigned: ["assigned", "your share of clips, whoever else has labelled them: label all of it"],
  suggested: ["suggested", "nearly undecided and unlike each other: these teach the classifier most"],
  top_positive: ["top +", "what it is surest is yes: confirm it, and catch false alarms"],
  borderline: ["borderline", "what it cannot decide: your labels draw the line"],
  random: ["random", "drawn blindly: what neither words nor classifier would show"],
  top_negative: ["top −", "what it is surest is no: catch what it misses"],
  second_reading: ["second reading", "labelled by others, whose answers are not shown: label them anew"],
};

export const feedName = (feed: string): string => FEEDS[feed]?.[0] ?? feed;
export const feedPurpose = (feed: string): string => FEEDS[feed]?.[1] ?? (isHint(feed) ? HINT : "");

// Feeds of hints: the yes clips of another concept. The kernel cuts long names.
const HINT = "hints from another concept, where these clips are yes: say what they are here";
const LONGEST_FEED = 64; // characters
const isHint = (feed: string): boolean => feed.startsWith("from ");
export function hintFeed(concept: string): string {
  const name = [...`from ${concept}`];
  return name.length > LONGEST_FEED ? `${name.slice(0, LONGEST_FEED - 1).join("")}…` : name.join("");
}

// The feed of clips that the annotator was given to label, if there is one.
export const givenFeed = (status: Status): string | undefined =>
  GIVEN.find((name) => status.feeds.includes(name));

// The sources of pages whose clips are likely yes: their rest is seldom no.
export const isMostlyYes = (source: string): boolean =>
  ["search", "similar", "selection", "top_positive"].includes(source);

export const hasBothClasses = ({ counts }: Status): boolean => counts.yes > 0 && counts.no > 0;

// The user's choice; before they choose, clips that they were given to label, then "suggested" once there are labels of
// both classes, else the first other feed.
export function feedToShow(chosen: string, status: Status): string {
  if (status.feeds.includes(chosen)) return chosen;
  const given = givenFeed(status);
  if (given) return given;
  const hints = status.feeds.find(isHint);
  if (hints !== undefined && !hasBothClasses(status)) return hints;
  if (hasBothClasses(status) && status.feeds.includes("suggested")) return "suggested";
  return status.feeds.find((feed) => feed !== "suggested") ?? "";
}
