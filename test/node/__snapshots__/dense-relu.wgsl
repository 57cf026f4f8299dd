// ==== 0: matmul + add + relu
@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>, 160>;
@group(0) @binding(1) var<storage, read> b1: array<f32, 320>;
@group(0) @binding(2) var<storage, read> b2: array<f32, 16>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32, 512>;
// matmul + add + relu
fn kernel0(lane: u32) {
  if (lane >= 512u) { return; }
  let o1 = i32((lane) % 16u);
  let o0 = i32(lane / 16u);
  var a0_0 = 0.0f;
  let cx0q = b0[5 * o0];
  let cx0 = cx0q.x;
  let cx1 = b1[o1];
  a0_0 = fma(cx0, cx1, a0_0);
  let cx2 = cx0q.y;
  let cx3 = b1[o1 + 16];
  a0_0 = fma(cx2, cx3, a0_0);
  let cx4 = cx0q.z;
  let cx5 = b1[o1 + 32];
  a0_0 = fma(cx4, cx5, a0_0);
  let cx6 = cx0q.w;
  let cx7 = b1[o1 + 48];
  a0_0 = fma(cx6, cx7, a0_0);
  let cx8q = b0[5 * o0 + 1];
  let cx8 = cx8q.x;
  let cx9 = b1[o1 + 64];
  a0_0 = fma(cx8, cx9, a0_0);
  let cx10 = cx8q.y;
  let cx11 = b1[o1 + 80];
  a0_0 = fma(cx10, cx11, a0_0);
  let cx12 = cx8q.z;
  let cx13 = b1[o1 + 96];
  a0_0 = fma(cx12, cx13, a0_0);
  let cx14 = cx8q.w;
  let cx15 = b1[o1 + 112];
  a0_0 = fma(cx14, cx15, a0_0);
  let cx16q = b0[5 * o0 + 2];
  let cx16 = cx16q.x;
  let cx17 = b1[o1 + 128];
  a0_0 = fma(cx16, cx17, a0_0);
  let cx18 = cx16q.y;
  let cx19 = b1[o1 + 144];
  a0_0 = fma(cx18, cx19, a0_0);
  let cx20 = cx16q.z;
  let cx21 = b1[o1 + 160];
  a0_0 = fma(cx20, cx21, a0_0);
  let cx22 = cx16q.w;
  let cx23 = b1[o1 + 176];
  a0_0 = fma(cx22, cx23, a0_0);
  let cx24q = b0[5 * o0 + 3];
  let cx24 = cx24q.x;
  let cx25 = b1[o1 + 192];
  a0_0 = fma(cx24, cx25, a0_0);
  let cx26 = cx24q.y;
  let cx27 = b1[o1 + 208];
  a0_0 = fma(cx26, cx27, a0_0);
  let cx28 = cx24q.z;
  let cx29 = b1[o1 + 224];
  a0_0 = fma(cx28, cx29, a0_0);
  let cx30 = cx24q.w;
  let cx31 = b1[o1 + 240];
  a0_0 = fma(cx30, cx31, a0_0);
  let cx32q = b0[5 * o0 + 4];
  let cx32 = cx32q.x;
  let cx33 = b1[o1 + 256];
  a0_0 = fma(cx32, cx33, a0_0);
  let cx34 = cx32q.y;
  let cx35 = b1[o1 + 272];
  a0_0 = fma(cx34, cx35, a0_0);
  let cx36 = cx32q.z;
  let cx37 = b1[o1 + 288];
  a0_0 = fma(cx36, cx37, a0_0);
  let cx38 = cx32q.w;
  let cx39 = b1[o1 + 304];
  a0_0 = fma(cx38, cx39, a0_0);
  let ex0 = b2[o1];
  let ev1 = (a0_0 + ex0);
  let ev2 = max(ev1, 0.0f);
  b3[16 * o0 + o1] = ev2;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  { kernel0((group - 0u) * 64u + li); }
}
