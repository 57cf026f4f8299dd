// The same value, from which no gradient flows back (stop-gradient): states carried over a window of truncated BPTT, targets.
import { view } from "./define.ts";

export const detach = view<Record<string, never>>({
  name: "detach",
  type: ([x]) => [x!],
  source: (at) => ({ at }),
  reference: ([x]) => [x!],
  gradient: null,
  identity: "same",
});
