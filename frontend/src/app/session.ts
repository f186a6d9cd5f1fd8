import { createContext } from "svelte";

import type { Session } from "../features/session/session.svelte";

export const [getSession, setSession] = createContext<Session>();
