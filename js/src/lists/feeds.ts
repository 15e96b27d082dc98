// The names of the feeds, what each is for, and which one is shown.

import type { Status } from "../kernel/protocol";

// The first is a feed of clips that the annotator was given to label, as by `va.monitor(…).session()`.
const FEEDS: Readonly<Record<string, readonly [name: string, purpose: string]>> = {
  sample: ["sample", "drawn at random to measure how good the model is: label all of it"],
  suggested: ["suggested", "nearly undecided and unlike each other: these teach the classifier most"],
  top_positive: ["top +", "what it is surest is yes: confirm it, and catch false alarms"],
  borderline: ["borderline", "what it cannot decide: your labels draw the line"],
  random: ["random", "drawn blindly: what neither words nor classifier would show"],
  top_negative: ["top −", "what it is surest is no: catch what it misses"],
};

export const feedName = (feed: string): string => FEEDS[feed]?.[0] ?? feed;
export const feedPurpose = (feed: string): string => FEEDS[feed]?.[1] ?? "";

// The sources of pages whose clips are likely yes: their rest is seldom no.
export const isMostlyYes = (source: string): boolean =>
  ["search", "similar", "selection", "top_positive"].includes(source);

export const hasBothClasses = ({ counts }: Status): boolean => counts.yes > 0 && counts.no > 0;

// The user's choice; before they choose, clips that they were given to label, then "suggested" once there are labels of
// both classes, else the first other feed.
export function feedToShow(chosen: string, status: Status): string {
  if (status.feeds.includes(chosen)) return chosen;
  if (status.feeds.includes("sample")) return "sample";
  if (hasBothClasses(status) && status.feeds.includes("suggested")) return "suggested";
  return status.feeds.find((feed) => feed !== "suggested") ?? "";
}
