import { describe, expect, test, vi } from "vitest";

import { UnauthorizedError, arrive, ask, channel, client, data, follow, kind, next, said } from "./kind.js";

describe(`subscriptions over ${kind}`, () => {
  test("bring what anybody publishes, in order and once", async () => {
    const room = channel();
    const [{ client: ann }, { client: bob }] = [await arrive("ann"), await arrive("bob")];
    const anns = await follow(ann, room);
    expect(await anns.told.next()).toEqual({ join: "ann" });
    const bobs = await follow(bob, room);
    expect(await anns.told.next()).toEqual({ join: "bob" });
    expect(await bobs.told.next()).toEqual({ join: "bob" });
    const texts = ["hello", "grüß dich 🐦", "x".repeat(50_000)];
    for (const text of texts) await anns.sub.publish(data({ text }));
    for (const { told } of [anns, bobs]) {
      for (const [index, text] of texts.entries()) {
        expect(await told.next()).toEqual({ publication: { data: { text }, offset: index + 1 } });
      }
    }
    bob.disconnect();
    expect(await anns.told.next()).toEqual({ leave: "bob" });
  });

  test("say who published", async () => {
    const { client: ann, connected } = await arrive("ann");
    const { sub } = await follow(ann, channel());
    const publication = next(sub, "publication");
    await sub.publish(data(1));
    const { info } = await publication;
    expect(info).toMatchObject({ user: "ann", client: connected.client });
    expect([said(info.connInfo), said(info.chanInfo)]).toEqual([{ n: 1 }, { in: "it" }]);
  });

  test("bring the server's publications with their tags", async () => {
    const room = channel("plain");
    const { client: ann } = await arrive("ann");
    const { told } = await follow(ann, room);
    expect(await ask(ann, "publish", { channel: room, data: [1, "two"] })).toEqual({ offset: 1 });
    expect(await told.next()).toEqual({
      publication: { data: [1, "two"], offset: 1, tags: { from: "server" } },
    });
  });

  test("of the server's making bring publications to the client itself", async () => {
    const name = `ann${Date.now()}`;
    const ann = client(name);
    const [subscribed, publication] = [next(ann, "subscribed"), next(ann, "publication")];
    ann.connect();
    expect(await subscribed).toMatchObject({ channel: `#${name}` });
    await ask(ann, "publish", { channel: `#${name}`, data: "psst" });
    const { channel: where, data: what } = await publication;
    expect([where, said(what)]).toEqual([`#${name}`, "psst"]);
    const unsubscribed = next(ann, "unsubscribed");
    await ask(ann, "unsubscribe", { channel: `#${name}` });
    expect(await unsubscribed).toMatchObject({ channel: `#${name}` });
  });

  test("are made by the thousand, in one frame with the connect", async () => {
    const ann = client("ann");
    const names = Array.from({ length: 1200 }, () => channel("plain-and-with-a-name-of-some-length"));
    const subs = names.map((name) => ann.newSubscription(name));
    const all = Promise.all(subs.map((sub) => next(sub, "subscribed")));
    subs.forEach((sub) => sub.subscribe());
    ann.connect();
    expect(await all).toHaveLength(1200);
    const last = next(subs[1199], "publication");
    await ask(ann, "publish", { channel: names[1199], data: "here" });
    expect(said((await last).data)).toBe("here");
  });

  test("may be refused", async () => {
    const { client: ann } = await arrive("ann");
    const sub = ann.newSubscription("private");
    const over = next(sub, "unsubscribed");
    sub.subscribe();
    expect(await over).toMatchObject({ code: 103, reason: "permission denied" });
  });

  test("may refuse publications", async () => {
    const { client: ann } = await arrive("ann");
    const { sub } = await follow(ann, "readonly");
    await expect(sub.publish(data(1))).rejects.toMatchObject({ code: 103, message: "permission denied" });
  });

  test("get a token where they need one, and another where it is too old", async () => {
    const { client: ann } = await arrive("ann");
    const tokens = ["stale", "sesame"];
    const getToken = vi.fn(async () => tokens.shift());
    const sub = ann.newSubscription(channel("secret"), { getToken, minResubscribeDelay: 10 });
    const subscribed = next(sub, "subscribed");
    sub.subscribe();
    await subscribed;
    expect(getToken).toHaveBeenCalledTimes(2);
  });

  test("are over when no token is to be had", async () => {
    const { client: ann } = await arrive("ann");
    const getToken = async () => {
      throw new UnauthorizedError("no");
    };
    const sub = ann.newSubscription(channel("secret"), { getToken });
    const over = next(sub, "unsubscribed");
    sub.subscribe();
    expect((await over).code).toBe(1);
  });

  test("bring a fresh token before the old one runs out, and go on", async () => {
    const name = `ann${Date.now()}`;
    const { client: ann } = await arrive(name);
    const room = channel("expiring");
    const getToken = vi.fn(async ({ channel }) => `for ${channel}`);
    const { sub } = await follow(ann, room, { getToken });
    await vi.waitFor(
      async () => expect(await ask(ann, "told")).toEqual([{ refreshed: `for ${room}`, channel: room }]),
      { timeout: 10_000 },
    );
    expect(sub.state).toBe("subscribed");
  });

  test("may be ended by either side, and made again", async () => {
    const room = channel("plain");
    const { client: ann } = await arrive("ann");
    const { sub, told } = await follow(ann, room);
    sub.unsubscribe();
    expect(await told.next()).toEqual({ unsubscribed: [0, "unsubscribe called"] });
    sub.subscribe();
    expect(await told.next()).toHaveProperty("subscribed");
    await ask(ann, "unsubscribe", { channel: room });
    expect(await told.next()).toEqual({ unsubscribed: [2000, "because"] });
    sub.subscribe();
    expect(await told.next()).toHaveProperty("subscribed");
    await ask(ann, "unsubscribe", { channel: room, code: 2500 });
    expect(await told.next()).toEqual({ subscribing: [2500, "because"] });
    expect(await told.next()).toHaveProperty("subscribed");
    await ask(ann, "publish", { channel: room, data: 1 });
    expect(await told.next()).toMatchObject({ publication: { data: 1 } });
  });

  test("know who is there", async () => {
    const room = channel();
    const [{ client: ann }, { client: bob }, other] = [
      await arrive("ann"),
      await arrive("bob"),
      await arrive("bob"),
    ];
    const { sub } = await follow(ann, room);
    await follow(bob, room);
    await follow(other.client, room);
    const { clients } = await sub.presence();
    expect(
      Object.values(clients)
        .map(({ user }) => user)
        .sort(),
    ).toEqual(["ann", "bob", "bob"]);
    expect(said(clients[other.connected.client].connInfo)).toEqual({ n: 1 });
    expect(await sub.presenceStats()).toEqual({ numClients: 3, numUsers: 2 });
    expect(await ann.presenceStats(room)).toEqual({ numClients: 3, numUsers: 2 });
  });
});

describe(`the past over ${kind}`, () => {
  test("is read in pages, forwards and backwards", async () => {
    const { client: ann } = await arrive("ann");
    const { sub } = await follow(ann, channel());
    for (let number = 1; number <= 5; number++) await sub.publish(data(number));
    const values = ({ publications }) => publications.map(({ data }) => said(data));
    const top = await sub.history();
    expect([top.offset, values(top)]).toEqual([5, []]);
    expect(values(await sub.history({ limit: 2, since: { offset: 2, epoch: top.epoch } }))).toEqual([3, 4]);
    expect(values(await sub.history({ limit: 2, reverse: true }))).toEqual([5, 4]);
    expect(values(await sub.history({ limit: -1 }))).toEqual([1, 2, 3, 4, 5]);
    await expect(sub.history({ limit: 1, since: { offset: 2, epoch: "other" } })).rejects.toMatchObject({
      code: 112,
    });
  });

  test("that was missed while cut off is made up, time after time", async () => {
    const room = channel();
    const { client: ann } = await arrive("ann");
    const { sub, told, subscribed } = await follow(ann, room, { recoverable: true });
    expect(subscribed).toMatchObject({ recoverable: true, positioned: true });
    expect(await told.next()).toEqual({ join: "ann" });
    await sub.publish(data("before"));
    expect(await told.next()).toMatchObject({ publication: { data: "before", offset: 1 } });
    for (let time = 0; time < 3; time++) {
      ann.rpc("cut", data({ channel: room, count: 10 })).catch(() => {});
      expect(await away(told)).toMatchObject({ wasRecovering: true, recovered: true });
      const missed = [];
      while (missed.length < 10) {
        const { publication } = await told.next();
        if (publication) missed.push(publication);
      }
      expect(missed).toEqual(
        Array.from({ length: 10 }, (_, number) => ({ data: number, offset: 2 + time * 10 + number })),
      );
    }
  });

  test("that cannot be made up is said to be lost", async () => {
    const room = channel();
    const { client: ann } = await arrive("ann");
    const { sub, told } = await follow(ann, room, { recoverable: true });
    expect(await told.next()).toEqual({ join: "ann" });
    await sub.publish(data("before"));
    expect(await told.next()).toMatchObject({ publication: { offset: 1 } });
    ann.rpc("cut", data({ channel: room, count: 500 })).catch(() => {});
    expect(await away(told)).toMatchObject({ wasRecovering: true, recovered: false });
  });

  test("is made up from wherever one says that one was", async () => {
    const room = channel();
    const { client: ann } = await arrive("ann");
    const { sub } = await follow(ann, room);
    for (let number = 1; number <= 5; number++) await sub.publish(data(number));
    const { epoch } = await sub.history();
    const { client: bob } = await arrive("bob");
    const { told, subscribed } = await follow(bob, room, { since: { offset: 3, epoch }, recoverable: true });
    expect(subscribed).toMatchObject({ wasRecovering: true, recovered: true });
    expect(await told.next()).toEqual({ publication: { data: 4, offset: 4 } });
    expect(await told.next()).toEqual({ publication: { data: 5, offset: 5 } });
  });
});

/** Wait until a subscription that was cut off is back. */
async function away(told) {
  for (;;) {
    const { subscribed } = await told.next();
    if (subscribed) return subscribed;
  }
}
