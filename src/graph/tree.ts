// Trees: nested objects and arrays whose leaves are of one kind (tensors, types, arrays). Functions that are traced take and give
// trees. Leaves are visited in the order of keys as written; a path prints as `params.dense0.weight`.

/** Nested objects and arrays with leaves of one kind. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** A tree of the same form with other leaves. */
export type MapTree<X, From, To> = X extends From ? To : { [K in keyof X]: MapTree<X[K], From, To> };

export interface Leaf<T> {
  readonly path: string;
  readonly value: T;
}

type IsLeaf<T> = (x: unknown) => x is T;

export function leaves<T>(tree: unknown, isLeaf: IsLeaf<T>, path = ""): Leaf<T>[] {
  if (isLeaf(tree)) return [{ path, value: tree }];
  if (typeof tree !== "object" || tree === null)
    throw new TypeError(`tree: ${path || "root"} is ${String(tree)}, not a leaf, object or array`);
  return Object.entries(tree).flatMap(([key, child]) => leaves(child, isLeaf, path ? `${path}.${key}` : key));
}

/** The keys and leaves of a tree, as they come. Two trees whose lists are alike, item by item, are alike. */
export function listTree(tree: unknown, isLeaf: (x: unknown) => boolean, list: unknown[] = []): unknown[] {
  if (isLeaf(tree)) list.push(tree);
  else {
    for (const key in tree as object) {
      list.push(key);
      listTree((tree as Record<string, unknown>)[key], isLeaf, list);
    }
    list.push(null);
  }
  return list;
}

export function mapTree<X, A, B>(
  tree: X,
  isLeaf: IsLeaf<A>,
  f: (leaf: A, path: string) => B,
  path = "",
): MapTree<X, A, B> {
  if (isLeaf(tree)) return f(tree, path) as MapTree<X, A, B>;
  if (typeof tree !== "object" || tree === null)
    throw new TypeError(`tree: ${path || "root"} is ${String(tree)}, not a leaf, object or array`);
  const entries = Object.entries(tree).map(
    ([key, child]) => [key, mapTree(child, isLeaf, f, path ? `${path}.${key}` : key)] as const,
  );
  return (Array.isArray(tree) ? entries.map(([, v]) => v) : Object.fromEntries(entries)) as MapTree<X, A, B>;
}
