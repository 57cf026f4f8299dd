// What every page runs: the theme button. Everything else in header and footer is plain HTML (../shell.ts).
import { byId } from "./dom.ts";
import { themeButton } from "./theme.ts";

themeButton(byId("theme", HTMLButtonElement));
