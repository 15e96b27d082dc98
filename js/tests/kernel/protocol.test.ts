import { describe, expect, it } from "vitest";
import events from "../../../tests/protocol_cases/events.json";
import explorerReplies from "../../../tests/protocol_cases/explorer_replies.json";
import explorerRequests from "../../../tests/protocol_cases/explorer_requests.json";
import failures from "../../../tests/protocol_cases/failures.json";
import replies from "../../../tests/protocol_cases/replies.json";
import requests from "../../../tests/protocol_cases/requests.json";
import { isResult, parse, type Requests, type RequestType, request } from "../../src/kernel/protocol";

describe("the golden messages, from the page's side", () => {
  it.each([...requests, ...explorerRequests])("builds the request $type", (golden) => {
    const { v, id, type, ...payload } = golden;
    expect(v).toBe(1);
    expect(request(id, type as "search", payload as Requests["search"]["with"])).toEqual(golden);
  });

  it("sends no half of an emoji, and every whole one", () => {
    const message = request("w-1", "guideline", { text: "\ud83d no\udc00 lamps \ud83c\udf19\ud83c" });
    expect(message).toMatchObject({ text: " no lamps \u{1f319}" });
    const label = { concept: "n", clips: ["a\ud83d"], value: "yes" as const, source: "s" };
    expect(request("w-2", "label", label)).toMatchObject({ clips: ["a"] });
  });

  it.each([...replies, ...explorerReplies])("understands the reply to $type", (golden) => {
    const message = parse(golden);
    expect(message).toMatchObject({ kind: "reply", id: golden.id, type: golden.type });
    expect(isResult(golden.type as RequestType, golden.result)).toBe(true);
  });

  it.each([...replies, ...explorerReplies])(
    "refuses a reply to $type with a field missing or of another type",
    (golden) => {
      for (const name of Object.keys(golden.result)) {
        const { [name]: _left, ...without } = golden.result as Record<string, unknown>;
        expect(isResult(golden.type as RequestType, without), `without ${name}`).toBe(false);
        const wrong = { ...golden.result, [name]: Symbol.iterator };
        expect(isResult(golden.type as RequestType, wrong), `with a wrong ${name}`).toBe(false);
      }
    },
  );

  it.each(events)("understands the event $event", (golden) => {
    expect(parse(golden)).toEqual({ kind: "event", event: { event: golden.event, data: golden.data } });
    expect(parse({ ...golden, data: { ...golden.data, status: {} } })).toEqual({ kind: "unknown" });
  });

  it.each(failures)("understands a failure", (golden) => {
    expect(parse(golden)).toEqual({ kind: "failure", id: golden.id, error: golden.error });
  });

  it.each([null, 3, "hello", [], {}, { v: 2 }, { v: 1, event: "toString" }, { v: 1, ok: false }])(
    "does not understand %j",
    (content) => {
      expect(parse(content)).toEqual({ kind: "unknown" });
    },
  );
});
