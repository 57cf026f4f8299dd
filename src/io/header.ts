// The header of a safetensors file, member by member: JSON.parse on all of it would build whatever stands there, at many times its size, and
// keep the last of two equal names.

export type Fail = (message: string) => never;

/** Names that are no array's. */
export const metadataName = "__metadata__";

/** The names and texts of `{ "name": { … }, … }`. The inner objects hold no objects, and two arrays (a shape and a range) or, those of the
 *  metadata, none. */
export function* headerMembers(text: string, fail: Fail): Generator<readonly [name: string, object: string]> {
  let at = 0;
  const broken = () => fail(`its header is no object of such objects (at character ${at}); get it again`);
  const skip = () => {
    while (" \t\n\r".includes(text[at] ?? "x")) at++;
  };
  const take = (...wanted: string[]): string => {
    skip();
    const c = text[at++] ?? "";
    return wanted.includes(c) ? c : broken();
  };
  /** Goes behind the string whose quote was taken. */
  const passString = () => {
    for (; at < text.length; at++) {
      const c = text[at];
      if (c === "\\") at++;
      else if (c === '"') return void at++;
    }
    broken();
  };
  const passObject = (arrays: number) => {
    while (at < text.length) {
      const c = text[at++];
      if (c === '"') passString();
      else if (c === "{" || (c === "[" && arrays-- === 0)) broken();
      else if (c === "}") return;
    }
    broken();
  };

  take("{");
  for (let next = take('"', "}"); next !== "}"; ) {
    const nameAt = at - 1;
    passString();
    const name = parseJson(text.slice(nameAt, at), fail) as string;
    take(":");
    take("{");
    const objectAt = at - 1;
    passObject(name === metadataName ? 0 : 2);
    yield [name, text.slice(objectAt, at)];
    next = take(",", "}");
    if (next === ",") take('"');
  }
  skip();
  if (at < text.length) broken();
}

export function parseJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail(`its header is no JSON at ${JSON.stringify(text.slice(0, 40))}; get it again`);
  }
}
