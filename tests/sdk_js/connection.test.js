import { describe, expect, test, vi } from "vitest";

import { UnauthorizedError, arrive, ask, client, data, kind, next, said } from "./kind.js";

describe(`connection over ${kind}`, () => {
  test("is told who it is, and what the application says", async () => {
    const { connected } = await arrive("ann", { data: data({ from: "me" }) });
    expect(connected.client).toMatch(/^[-0-9a-f]{36}$/);
    expect(said(connected.data)).toEqual({ from: "me" });
  });

  test("without a token is over", async () => {
    const nobody = client("");
    const over = next(nobody, "disconnected");
    nobody.connect();
    expect(await over).toMatchObject({ code: 3500, reason: "invalid token" });
  });

  test("gets a token where it has none, and another where it is too old", async () => {
    const tokens = ["stale", "ann"];
    const getToken = vi.fn(async () => tokens.shift());
    const { client: ann } = await arrive("", { getToken });
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(await ask(ann, "echo", { still: "here" })).toEqual({ still: "here" });
  });

  test("is over when no token is to be had", async () => {
    const nobody = client("", {
      getToken: async () => {
        throw new UnauthorizedError("no");
      },
    });
    const over = next(nobody, "disconnected");
    nobody.connect();
    expect((await over).code).toBe(1);
  });

  test("comes with fresh data each time", async () => {
    let times = 0;
    const { client: ann, connected } = await arrive("ann", { getData: async () => data({ time: ++times }) });
    expect(said(connected.data)).toEqual({ time: 1 });
    const again = next(ann, "connected");
    ann.rpc("disconnect", data({ code: 4000 })).catch(() => {});
    expect(said((await again).data)).toEqual({ time: 2 });
  });

  test("brings a fresh token before the old one runs out, and goes on", async () => {
    const getToken = vi.fn(async () => "fresh");
    const name = `EVE${Date.now()}`; // in capitals: it expires in a second
    const { client: eve, connected } = await arrive(name, { getToken });
    await vi.waitFor(async () => expect(await ask(eve, "told")).toEqual([{ refreshed: "fresh" }]), {
      timeout: 10_000,
    });
    expect(getToken).toHaveBeenCalledTimes(1);
    expect(connected.client).toBeTruthy();
    expect(eve.state).toBe("connected");
  });

  test("comes back when the network breaks", async () => {
    const { client: ann, connected } = await arrive("ann");
    const breaking = next(ann, "connecting");
    const again = next(ann, "connected");
    ann.rpc("cut", data({ count: 0 })).catch(() => {});
    expect((await breaking).code).toBe(1); // transport closed
    expect((await again).client).not.toBe(connected.client);
  });

  test.each([
    [3012, "connecting"],
    [4000, "connecting"],
    [4499, "connecting"],
    [3503, "disconnected"],
    [4500, "disconnected"],
  ])("sent away with %i, is %s", async (code, state) => {
    const { client: ann } = await arrive("ann");
    const told = next(ann, state);
    ann.rpc("disconnect", data({ code })).catch(() => {});
    expect(await told).toMatchObject({ code, reason: "because" });
  });

  test("disconnects and connects as often as it likes", async () => {
    const { client: ann } = await arrive("ann");
    for (let time = 0; time < 10; time++) {
      const over = next(ann, "disconnected");
      ann.disconnect();
      expect((await over).code).toBe(0);
      const back = next(ann, "connected");
      ann.connect();
      await back;
    }
  });
});

describe(`calls over ${kind}`, () => {
  test("are answered, each with its own answer", async () => {
    const { client: ann } = await arrive("ann");
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    const answers = await Promise.all(numbers.map((number) => ask(ann, "echo", { number })));
    expect(answers.map(({ number }) => number)).toEqual(numbers);
  });

  test("made before the connection is there wait for it", async () => {
    const ann = client("ann");
    const answer = ann.rpc("echo", data("early"));
    ann.connect();
    expect(said((await answer).data)).toBe("early");
  });

  test("of methods that there are not are refused", async () => {
    const { client: ann } = await arrive("ann");
    await expect(ann.rpc("unheard_of", data({}))).rejects.toMatchObject({
      code: 104,
      message: "method not found",
    });
  });

  test("carry every character", async () => {
    const { client: ann } = await arrive("ann");
    const texts = ["grüß dich 🐦", 'quotes " and \\ and \n and \u0000', "x".repeat(60_000)];
    for (const text of texts) expect(await ask(ann, "echo", { text })).toEqual({ text });
  });

  test("need no answer when they are messages", async () => {
    const name = `bob${Date.now()}`;
    const { client: bob } = await arrive(name);
    await bob.send(data({ n: 1 }));
    await bob.send(data({ n: 2 }));
    expect(await ask(bob, "told")).toEqual([{ sent: { n: 1 } }, { sent: { n: 2 } }]);
  });

  test("go the other way too", async () => {
    const { client: ann } = await arrive("ann");
    const message = next(ann, "message");
    await ask(ann, "push", { data: { to: "you" } });
    expect(said((await message).data)).toEqual({ to: "you" });
  });

  test("that are too large end the connection for good", async () => {
    const { client: ann } = await arrive("ann");
    const over = next(ann, "disconnected");
    ann.rpc("echo", data("x".repeat(70_000))).catch(() => {});
    expect((await over).code).toBe(3501);
  });
});
