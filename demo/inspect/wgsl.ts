// WGSL with its words marked.
import { h } from "../common/dom.ts";

const words = {
  comment: /\/\/[^\n]*|\/\*[\s\S]*?\*\//,
  attribute: /@[a-z_]+/,
  number: /\b(?:0x[0-9a-fA-F]+|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)[uifh]?\b/,
  keyword:
    /\b(?:alias|break|case|const|continue|continuing|default|discard|else|fn|for|if|let|loop|override|return|struct|switch|var|while|true|false)\b/,
  type: /\b(?:array|atomic|bool|f16|f32|i32|u32|ptr|vec[234][fiuh]?|mat[234]x[234]f?)\b/,
  call: /\b[a-zA-Z_]\w*(?=\()/,
};

const any = new RegExp(
  Object.entries(words)
    .map(([name, { source }]) => `(?<${name}>${source})`)
    .join("|"),
  "g",
);

/** The text as a block of code. */
export function wgslView(text: string): HTMLPreElement {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const match of text.matchAll(any)) {
    const [name] = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? [""];
    parts.push(text.slice(at, match.index), h("span", { className: `w-${name}` }, match[0]));
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return h(
    "pre",
    { className: "wgsl", tabIndex: 0, attr: { role: "region", "aria-label": "WGSL" } },
    h("code", {}, parts),
  );
}
