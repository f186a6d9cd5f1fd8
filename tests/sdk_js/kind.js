/** What differs between the ways to connect, so that every test runs over each of them. */

import * as json from "centrifuge";
import * as protobuf from "centrifuge/build/protobuf";
import { EventSource } from "eventsource";
import { onTestFinished } from "vitest";
import WebSocket from "ws";

const { SDK_TRANSPORT: transport, SDK_WIRE: wire, SDK_SERVER: server } = process.env;
if (!server || !transport || !wire) {
  throw new Error("SDK_SERVER (host:port), SDK_TRANSPORT and SDK_WIRE tell what to connect to, and how");
}

const ENDPOINTS = {
  websocket: `ws://${server}/connection/websocket`,
  http_stream: `http://${server}/connection/http_stream`,
  sse: `http://${server}/connection/sse`,
};
const sdk = { json, protobuf }[wire];

export const kind = `${transport} in ${wire}`;
export const { UnauthorizedError } = sdk;

/** What the SDK takes for a value: in Protobuf, data are bytes. */
export const data = (value) => (wire === "json" ? value : new TextEncoder().encode(JSON.stringify(value)));

/** What the SDK hands out, as a value. */
export const said = (value) =>
  value instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(value)) : value;

/** A client that ends with the test. Its token is its name. */
export function client(token, options = {}) {
  const made = new sdk.Centrifuge([{ transport, endpoint: ENDPOINTS[transport] }], {
    websocket: WebSocket,
    fetch,
    readableStream: ReadableStream,
    eventsource: EventSource,
    emulationEndpoint: `http://${server}/emulation`,
    minReconnectDelay: 10,
    token,
    ...options,
  });
  onTestFinished(() => made.disconnect());
  return made;
}

/** A client that is connected. */
export async function arrive(token, options = {}) {
  const made = client(token, options);
  const connected = next(made, "connected");
  made.connect();
  return { client: made, connected: await connected };
}

/** A channel of its own for each test. */
let channels = 0;
export const channel = (name = "room") => `${name}-${++channels}`;

/** A subscription that is subscribed, and what it was told since, in order. */
export async function follow(made, name, options = {}) {
  const sub = made.newSubscription(name, { minResubscribeDelay: 10, ...options });
  const told = queue(sub);
  sub.subscribe();
  const subscribed = await told.next();
  return { sub, told, subscribed: subscribed.subscribed };
}

/** The next event of a kind. */
export const next = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

/** Ask the server to do something. */
export async function ask(made, method, args = {}) {
  return said((await made.rpc(method, data(args))).data);
}

/** What a subscription tells, in order, as `{ event: context }` with what matters of it. */
function queue(sub) {
  const told = [];
  const waiting = [];
  const put = (item) => (waiting.length ? waiting.shift()(item) : told.push(item));
  sub.on("subscribed", (context) => put({ subscribed: context }));
  sub.on("subscribing", ({ code, reason }) => code !== 0 && put({ subscribing: [code, reason] }));
  sub.on("unsubscribed", ({ code, reason }) => put({ unsubscribed: [code, reason] }));
  sub.on("publication", ({ offset, data, tags }) => {
    const tagged = tags && Object.keys(tags).length > 0; // in Protobuf there always are, if none
    put({ publication: { data: said(data), ...(offset && { offset }), ...(tagged && { tags }) } });
  });
  sub.on("join", ({ info }) => put({ join: info.user }));
  sub.on("leave", ({ info }) => put({ leave: info.user }));
  sub.on("error", ({ error }) => put({ error: error.code }));
  return { next: () => (told.length ? told.shift() : new Promise((resolve) => waiting.push(resolve))) };
}
