import { MediaQuery } from "svelte/reactivity";

/** Room for the list beside the conversation. */
export const twoColumns = new MediaQuery("min-width: 720px");
/** ... and for the details beside both. */
export const threeColumns = new MediaQuery("min-width: 1100px");
/** Fingers: Enter makes a new line, a button sends. */
export const touch = new MediaQuery("pointer: coarse");
