// What every page runs: the theme button, and code that one scrolls by keyboard too. Everything else in header and footer is plain HTML (../shell.ts).
import { byId } from "./dom.ts";
import { themeButton } from "./theme.ts";

themeButton(byId("theme", HTMLButtonElement));
for (const code of document.querySelectorAll("pre")) code.tabIndex = 0;
