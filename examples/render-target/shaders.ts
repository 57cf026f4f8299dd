// The host's shaders.

const corners = /* wgsl */ `
struct Corner { @builtin(position) position: vec4f, @location(0) at: vec2f, @location(1) @interpolate(flat) tile: u32 }
`;

/** Balls wander, each on a path of its own; the pictures' pace is that of the frames. */
export const simulate = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> places: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> clock: array<u32>;
@compute @workgroup_size(16) fn main(@builtin(local_invocation_index) i: u32) {
  if (i == 0) { clock[0] += 1; }
  let t = 0.02 * f32(clock[0]);
  let k = f32(i);
  let path = vec2f(sin(t * (1 + 0.13 * k) + 2.4 * k), cos(t * (1.4 - 0.05 * k) + 1.7 * k * k));
  places[i] = 0.5 + 0.36 * path;
}`;

/** A picture: a ball in light of its own, over bars that drift. */
export const draw = /* wgsl */ `
${corners}
@group(0) @binding(0) var<storage, read> places: array<vec2f>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;

@vertex fn tile(@builtin(vertex_index) v: u32, @builtin(instance_index) i: u32) -> Corner {
  let at = vec2f(f32(v & 1u), f32(v >> 1u));
  let y = 1 - (f32(i) + at.y) / 8;
  return Corner(vec4f(2 * at.x - 1, y, 0, 1), at, i);
}

fn hue(h: f32) -> vec3f { return 0.55 + 0.45 * cos(6.2832 * (h + vec3f(0, 0.33, 0.67))); }

@fragment fn scene(in: Corner) -> @location(0) vec4f {
  let k = f32(in.tile);
  let t = 0.02 * f32(clock[0]);
  let tilt = 0.7 * k;
  let along = dot(in.at, vec2f(cos(tilt), sin(tilt)));
  let bars = smoothstep(0.3, 0.7, 0.5 + 0.5 * sin(18 * along + t + k));
  var color = mix(0.10, 0.22, bars) * mix(vec3f(1), hue(0.29 * k + 0.5), 0.35) + 0.05 * in.at.y;

  let off = (in.at - places[in.tile]) / 0.13;
  let r = length(off);
  let shade = length((in.at - places[in.tile] - 0.05) / 0.15);
  color *= mix(0.45, 1.0, smoothstep(0.6, 1.1, shade));
  let normal = vec3f(off, sqrt(max(0, 1 - r * r)));
  let light = normalize(vec3f(-0.5, -0.7, 0.6));
  let lit = max(0, dot(normal, light));
  let ball = hue(0.17 * k) * (0.25 + 0.75 * lit) + 0.5 * pow(max(0, dot(reflect(-light, normal), vec3f(0, 0, 1))), 24);
  color = mix(ball, color, smoothstep(0.93, 1.0, r));
  return vec4f(color, 1);
}`;

/** The pictures four by four with a ring at each guess, warm where it is wrong; and the curve of the loss, in decades. */
export const present = /* wgsl */ `
${corners}
@group(0) @binding(0) var pictures: texture_2d<f32>;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var<storage, read> guesses: array<vec2f>;
@group(0) @binding(3) var<storage, read> places: array<vec2f>;

@vertex fn tile(@builtin(vertex_index) v: u32, @builtin(instance_index) i: u32) -> Corner {
  let at = vec2f(f32(v & 1u), f32(v >> 1u));
  let place = (vec2f(f32(i % 4), f32(i / 4)) + 0.03 + 0.94 * at) / 4;
  return Corner(vec4f(2 * place.x - 1, 1 - 2 * place.y, 0, 1), at, i);
}

@fragment fn picture(in: Corner) -> @location(0) vec4f {
  let inside = clamp(in.at, vec2f(0.008), vec2f(0.992));
  let color = textureSampleLevel(pictures, linear, vec2f(inside.x, (f32(in.tile) + inside.y) / 16), 0).rgb;
  let away = distance(in.at, guesses[in.tile]);
  let ring = smoothstep(0.03, 0.012, abs(away - 0.17));
  let wrong = smoothstep(0.04, 0.2, distance(guesses[in.tile], places[in.tile]));
  return vec4f(mix(color, mix(vec3f(0.55, 0.95, 0.75), vec3f(1.0, 0.55, 0.3), wrong), ring), 1);
}

@group(0) @binding(0) var<storage, read> losses: array<vec2f>;
@group(0) @binding(1) var<storage, read> step: array<u32>;

@vertex fn point(@builtin(vertex_index) v: u32) -> @builtin(position) vec4f {
  let n = min(step[0], 256u);
  let at = min(v, max(n, 1) - 1);
  let loss = losses[(step[0] - n + at) % 1024].x;
  let x = f32(at) / 255;
  let decades = log2(max(loss, 1e-6)) / 3.3219; // 1 is at the top, 0.0001 at the bottom
  return vec4f(2 * x - 1, 1 + decades / 2, 0, 1);
}

@fragment fn line() -> @location(0) vec4f { return vec4f(0.56, 0.69, 1, 1); }
`;
