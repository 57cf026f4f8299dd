// The header of a safetensors file, member by member: JSON.parse on all of it would build whatever stands there, at many times its size, and
// keep the last of two equal names. It is cut up as bytes (what JSON is cut up by is ASCII, and no byte of another character is), as a text
// of one character beyond Latin would take twice the bytes.

export type Fail = (message: string) => never;

/** Names that are no array's. */
export const metadataName = "__metadata__";

/** In bytes. No member of a real file comes near. */
const longest = { name: 2 ** 12, entry: 2 ** 12, metadata: 2 ** 20 };

const [quote, backslash, open, close, bracket] = [...'"\\{}['].map((c) => c.charCodeAt(0));

/** The names and texts of `{ "name": { … }, … }`. The inner objects hold no objects, and two arrays (a shape and a range) or, those of the
 *  metadata, none. */
export function* headerMembers(bytes: Uint8Array, fail: Fail): Generator<readonly [name: string, object: string]> {
  let at = 0;
  const broken = () => fail(`its header is no object of such objects (at byte ${at}); get it again`);
  const skip = () => {
    while (" \t\n\r".includes(String.fromCharCode(bytes[at] ?? 0))) at++;
  };
  const take = (...wanted: string[]): string => {
    skip();
    const c = String.fromCharCode(bytes[at++] ?? 0);
    return wanted.includes(c) ? c : broken();
  };
  /** Goes behind the string whose quote was taken. */
  const passString = () => {
    for (; at < bytes.length; at++) {
      const c = bytes[at];
      if (c === backslash) at++;
      else if (c === quote) return void at++;
    }
    broken();
  };
  const passObject = (arrays: number) => {
    while (at < bytes.length) {
      const c = bytes[at++];
      if (c === quote) passString();
      else if (c === open || (c === bracket && arrays-- === 0)) broken();
      else if (c === close) return;
    }
    broken();
  };
  const textFrom = (start: number, what: string, most: number): string => {
    if (at - start > most) fail(`it has ${what} of ${at - start} bytes (vs at most ${most}); it is no model`);
    return decodeUtf8(bytes.subarray(start, at)) ?? fail("its header is no UTF-8; get it again");
  };

  take("{");
  for (let next = take('"', "}"); next !== "}"; ) {
    const nameAt = at - 1;
    passString();
    const name = parseJson(textFrom(nameAt, "a name", longest.name), fail) as string;
    const isMetadata = name === metadataName;
    take(":");
    take("{");
    const objectAt = at - 1;
    passObject(isMetadata ? 0 : 2);
    const text = isMetadata
      ? textFrom(objectAt, "metadata", longest.metadata)
      : textFrom(objectAt, `an entry ${name}`, longest.entry);
    yield [name, text];
    next = take(",", "}");
    if (next === ",") take('"');
  }
  skip();
  if (at < bytes.length) broken();
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function parseJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail(`its header is no JSON at ${JSON.stringify(text.slice(0, 40))}; get it again`);
  }
}
