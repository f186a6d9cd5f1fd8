import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ServerError } from "../../lib/errors";
import { Session } from "./session.svelte";

const user = { id: "u", username: "ann", name: "Ann", createdAt: "", updatedAt: "" };
const answer = (status: number, body: object) => new Response(JSON.stringify(body), { status });
const granted = (token: string, expiresIn = 600) =>
  answer(200, { data: { user, accessToken: token, expiresIn }, errors: [] });
const refused = (status: number, code: string, message: string, field?: string) =>
  answer(status, { data: null, errors: [{ code, message, field }] });

const fetched = vi.fn<typeof fetch>();

/** Tabs that hear of each other. */
class Tabs {
  static all: Tabs[] = [];
  onmessage: (() => void) | null = null;
  constructor() {
    Tabs.all.push(this);
  }
  postMessage() {
    for (const tab of Tabs.all) if (tab !== this) tab.onmessage?.();
  }
}

beforeEach(() => {
  Tabs.all = [];
  localStorage.clear();
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("BroadcastChannel", Tabs);
  vi.useFakeTimers();
});
afterEach(() => vi.unstubAllGlobals());

describe("Session", () => {
  test("comes back by the cookie, and its first token is used once", async () => {
    const session = new Session();
    fetched.mockResolvedValueOnce(granted("first"));
    await session.restore();
    expect(session.state).toEqual({ phase: "in", user });
    expect(await session.token()).toBe("first");
    fetched.mockResolvedValueOnce(granted("second"));
    expect(await session.token()).toBe("second");
    expect(fetched.mock.calls.map(([path]) => path)).toEqual(["/sessions/refresh", "/sessions/refresh"]);
  });

  test("without a good cookie one signs in", async () => {
    const session = new Session();
    fetched.mockResolvedValueOnce(refused(401, "not_signed_in", "no refresh token"));
    await session.restore();
    expect(session.state).toEqual({ phase: "out", elsewhere: false });
  });

  test("a server that cannot be reached is asked again, and that is told", async () => {
    const session = new Session();
    fetched.mockRejectedValueOnce(new TypeError("failed")).mockResolvedValueOnce(answer(503, {}));
    fetched.mockResolvedValueOnce(granted("first"));
    const restored = session.restore();
    await vi.advanceTimersByTimeAsync(500);
    expect(session.state).toEqual({ phase: "restoring", slow: true });
    await vi.advanceTimersByTimeAsync(60_000);
    await restored;
    expect(session.state.phase).toBe("in");
  });

  test("what is wrong is told by field, in the server's words", async () => {
    const session = new Session();
    const words = "username is 1 character long, at least 2 are expected";
    fetched.mockResolvedValueOnce(refused(422, "invalid_input", words, "username"));
    const error = await session.register("a", "long enough").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ message: words, field: "username", temporary: false });
  });

  test("an old token is not used", async () => {
    const session = new Session();
    fetched.mockResolvedValueOnce(granted("first", 600));
    await session.signIn("ann", "password");
    vi.advanceTimersByTime(301_000);
    fetched.mockResolvedValueOnce(granted("second"));
    expect(await session.token()).toBe("second");
  });

  test("signing out in one tab signs out the others, which are told why", async () => {
    const [here, there] = [new Session(), new Session()];
    fetched.mockImplementation(() => Promise.resolve(granted("first")));
    await here.restore();
    await there.restore();
    fetched.mockResolvedValueOnce(new Response(null, { status: 204 }));
    await here.signOut();
    expect(here.state).toEqual({ phase: "out", elsewhere: false });
    expect(there.state).toEqual({ phase: "out", elsewhere: true });
  });

  test("who signed out while the server was away is not signed in by a reload", async () => {
    const session = new Session();
    fetched.mockResolvedValueOnce(granted("first"));
    await session.restore();
    fetched.mockRejectedValueOnce(new TypeError("failed"));
    await session.signOut();
    const reloaded = new Session();
    fetched.mockResolvedValueOnce(new Response(null, { status: 204 }));
    await reloaded.restore();
    expect(reloaded.state).toEqual({ phase: "out", elsewhere: false });
    expect(fetched.mock.lastCall?.[1]?.method).toBe("DELETE");
    fetched.mockResolvedValueOnce(granted("second"));
    await reloaded.signIn("ann", "password");
    const again = new Session();
    fetched.mockResolvedValueOnce(granted("third"));
    await again.restore();
    expect(again.state.phase).toBe("in");
  });

  test("a token of somebody else, signed in by another tab, is not used", async () => {
    const reload = vi.fn();
    vi.stubGlobal("location", { reload });
    const session = new Session();
    fetched.mockResolvedValueOnce(granted("first"));
    await session.restore();
    await session.token();
    const other = { ...user, id: "other" };
    fetched.mockResolvedValueOnce(
      answer(200, { data: { user: other, accessToken: "theirs", expiresIn: 600 }, errors: [] }),
    );
    await expect(session.token()).rejects.toMatchObject({ temporary: true });
    expect(reload).toHaveBeenCalledOnce();
  });
});
