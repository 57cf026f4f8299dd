// A small helper for SVG, as common/dom.ts is for HTML.

type Attributes = Readonly<Record<string, string | number>>;

/** An SVG element: s("rect", { x: 0, width: 10 }). */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}
