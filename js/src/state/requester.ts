// Sends requests and shows their errors to the user.

import { type Client, type Reply, RequestError } from "../kernel/client";
import type { Requests, RequestType } from "../kernel/protocol";
import type { AnnotatorState } from "./annotatorState";

export class Requester {
  constructor(
    private readonly client: Client,
    private readonly state: AnnotatorState,
  ) {}

  // Returns the reply, or null after it has shown the error.
  async request<T extends RequestType>(type: T, payload: Requests[T]["with"]): Promise<Reply<T> | null> {
    const { state } = this;
    try {
      const reply = await this.client.request(type, payload);
      state.error.value = "";
      return reply;
    } catch (error) {
      const noTextSearch = error instanceof RequestError && error.code === "no_text_search";
      if (noTextSearch && state.textSearchUnavailable.value)
        state.error.value = ""; // the header shows why
      else state.showError(error);
      return null;
    }
  }
}
