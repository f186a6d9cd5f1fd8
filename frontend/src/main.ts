import { mount } from "svelte";

import App from "./app/App.svelte";
import "./app.css";
import { language } from "./i18n";

const target = document.getElementById("app");
if (!target) throw new Error("no #app in the page");
// Words first: nothing on the page is to be read twice.
await language.load();
mount(App, { target });
