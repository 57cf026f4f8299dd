// ==== 0: matmul + add + relu
@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>, 160>;
@group(0) @binding(1) var<storage, read> b1: array<f32, 320>;
@group(0) @binding(2) var<storage, read> b2: array<f32, 16>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32, 512>;
// matmul + add + relu
fn kernel0(lane: u32) {
  if (lane >= 512u) { return; }
  let o1 = i32((lane) % 16u);
  let o0 = i32(min(lane / 16u, 31u));
  var a0_0 = 0.0f;
  let at0 = 5 * o0;
  let cx0q = b0[at0];
  let cx0 = cx0q.x;
  let cx1 = b1[o1];
  let s0_0 = cx0 * cx1;
  let cx2 = cx0q.y;
  let cx3 = b1[o1 + 16];
  let s0_1 = fma(cx2, cx3, s0_0);
  let cx4 = cx0q.z;
  let cx5 = b1[o1 + 32];
  let s0_2 = fma(cx4, cx5, s0_1);
  let cx6 = cx0q.w;
  let cx7 = b1[o1 + 48];
  let s0_3 = fma(cx6, cx7, s0_2);
  let cx8q = b0[at0 + 1];
  let cx8 = cx8q.x;
  let cx9 = b1[o1 + 64];
  let s0_4 = fma(cx8, cx9, s0_3);
  let cx10 = cx8q.y;
  let cx11 = b1[o1 + 80];
  let s0_5 = fma(cx10, cx11, s0_4);
  let cx12 = cx8q.z;
  let cx13 = b1[o1 + 96];
  let s0_6 = fma(cx12, cx13, s0_5);
  let cx14 = cx8q.w;
  let cx15 = b1[o1 + 112];
  let s0_7 = fma(cx14, cx15, s0_6);
  let cx16q = b0[at0 + 2];
  let cx16 = cx16q.x;
  let cx17 = b1[o1 + 128];
  let s0_8 = fma(cx16, cx17, s0_7);
  let cx18 = cx16q.y;
  let cx19 = b1[o1 + 144];
  let s0_9 = fma(cx18, cx19, s0_8);
  let cx20 = cx16q.z;
  let cx21 = b1[o1 + 160];
  let s0_10 = fma(cx20, cx21, s0_9);
  let cx22 = cx16q.w;
  let cx23 = b1[o1 + 176];
  let s0_11 = fma(cx22, cx23, s0_10);
  let cx24q = b0[at0 + 3];
  let cx24 = cx24q.x;
  let cx25 = b1[o1 + 192];
  let s0_12 = fma(cx24, cx25, s0_11);
  let cx26 = cx24q.y;
  let cx27 = b1[o1 + 208];
  let s0_13 = fma(cx26, cx27, s0_12);
  let cx28 = cx24q.z;
  let cx29 = b1[o1 + 224];
  let s0_14 = fma(cx28, cx29, s0_13);
  let cx30 = cx24q.w;
  let cx31 = b1[o1 + 240];
  let s0_15 = fma(cx30, cx31, s0_14);
  let cx32q = b0[at0 + 4];
  let cx32 = cx32q.x;
  let cx33 = b1[o1 + 256];
  let s0_16 = fma(cx32, cx33, s0_15);
  let cx34 = cx32q.y;
  let cx35 = b1[o1 + 272];
  let s0_17 = fma(cx34, cx35, s0_16);
  let cx36 = cx32q.z;
  let cx37 = b1[o1 + 288];
  let s0_18 = fma(cx36, cx37, s0_17);
  let cx38 = cx32q.w;
  let cx39 = b1[o1 + 304];
  let s0_19 = fma(cx38, cx39, s0_18);
  a0_0 += s0_19;
  let ex0 = b2[o1];
  let ev1 = (a0_0 + ex0);
  let ev2 = max(ev1, 0.0f);
  let at1 = 16 * o0 + o1;
  b3[at1] = ev2;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  { kernel0(group * 64u + li); }
}
