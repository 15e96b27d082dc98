// The feeds in Video Annotator's words.

import type { Status } from "./protocol";

const FEEDS: Readonly<Record<string, readonly [name: string, purpose: string]>> = {
  suggested: ["suggested", "nearly undecided and unlike each other: these teach the classifier most"],
  top_positive: ["top +", "what it is surest is yes: confirm it, and catch false alarms"],
  borderline: ["borderline", "what it cannot decide: your labels draw the line"],
  random: ["random", "drawn blindly: what neither words nor classifier would show"],
  top_negative: ["top −", "what it is surest is no: catch what it misses"],
};

export const feedName = (feed: string): string => FEEDS[feed]?.[0] ?? feed;
export const feedPurpose = (feed: string): string => FEEDS[feed]?.[1] ?? "";

export const bothClasses = ({ counts }: Status): boolean => counts.yes > 0 && counts.no > 0;

// The feed that is shown: the person's choice, or until they choose the one that suits the labels so far.
export function feedOf(chosen: string, status: Status): string {
  if (status.feeds.includes(chosen)) return chosen;
  if (bothClasses(status) && status.feeds.includes("suggested")) return "suggested";
  return status.feeds.find((feed) => feed !== "suggested") ?? "";
}
