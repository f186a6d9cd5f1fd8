import { mount } from "svelte";

import App from "./app/App.svelte";
import "./app.css";

const target = document.getElementById("app");
if (!target) throw new Error("no #app in the page");
mount(App, { target });
