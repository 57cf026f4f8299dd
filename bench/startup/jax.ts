// The same page with jax-js.
import { jax } from "../peers/jax.ts";
import { startUp } from "./measure.ts";
import { startPeer } from "./peer.ts";

Object.assign(globalThis, { startUp: startUp(() => startPeer(jax), 4) });
