/** All dialogs in one file of the build: what is behind the first one opened is there for the next. */
export { default as AddPeople } from "../features/channels/AddPeople.svelte";
export { default as LeaveGroup } from "../features/channels/LeaveGroup.svelte";
export { default as NewGroup } from "../features/channels/NewGroup.svelte";
export { default as Settings } from "../features/settings/Settings.svelte";
export { default as SignOut } from "../features/session/SignOut.svelte";
export { default as Switcher } from "../features/switcher/Switcher.svelte";
export { default as Shortcuts } from "../features/settings/Shortcuts.svelte";
