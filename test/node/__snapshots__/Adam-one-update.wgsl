// ==== 0: sqrt | div | add | add
@group(0) @binding(0) var<storage, read> b0: array<vec4<u32>, 16>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32, 1>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32, 1>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32, 768>;
@group(0) @binding(4) var<storage, read> b4: array<f32, 240>;
// sqrt
fn kernel0(lane: u32) {
  if (lane >= 1u) { return; }
  let ex0q = b0[0];
  let ex0 = ex0q.x;
  let ev1 = f32(ex0);
  let ev2 = (ev1 + 1.0f);
  let ev3 = (ev2 * 0.0010005002841353416f);
  let ev4 = (ev3 < 0.5f);
  let ev5 = (ev3 * -0.1111111119389534f);
  let ev6 = (ev5 + 1.0f);
  let ev7 = (ev6 * ev3);
  let ev8 = (ev7 * -0.125f);
  let ev9 = (ev8 + 1.0f);
  let ev10 = (ev9 * ev3);
  let ev11 = (ev10 * -0.1428571492433548f);
  let ev12 = (ev11 + 1.0f);
  let ev13 = (ev12 * ev3);
  let ev14 = (ev13 * -0.1666666716337204f);
  let ev15 = (ev14 + 1.0f);
  let ev16 = (ev15 * ev3);
  let ev17 = (ev16 * -0.20000000298023224f);
  let ev18 = (ev17 + 1.0f);
  let ev19 = (ev18 * ev3);
  let ev20 = (ev19 * -0.25f);
  let ev21 = (ev20 + 1.0f);
  let ev22 = (ev21 * ev3);
  let ev23 = (ev22 * -0.3333333432674408f);
  let ev24 = (ev23 + 1.0f);
  let ev25 = (ev24 * ev3);
  let ev26 = (ev25 * -0.5f);
  let ev27 = (ev26 + 1.0f);
  let ev28 = (ev27 * ev3);
  let ev29 = -(ev3);
  let ev30 = exp(ev29);
  let ev31 = -(ev30);
  let ev32 = (ev31 + 1.0f);
  let ev33 = select(ev32, ev28, ev4);
  let ev34 = sqrt(ev33);
  b1[0] = ev34;
}

// div
fn kernel1(lane: u32) {
  if (lane >= 1u) { return; }
  let ex0q = b0[0];
  let ex0 = ex0q.x;
  let ev1 = f32(ex0);
  let ev2 = (ev1 + 1.0f);
  let ev3 = (ev2 * 0.10536051541566849f);
  let ev4 = (ev3 < 0.5f);
  let ev5 = (ev3 * -0.1111111119389534f);
  let ev6 = (ev5 + 1.0f);
  let ev7 = (ev6 * ev3);
  let ev8 = (ev7 * -0.125f);
  let ev9 = (ev8 + 1.0f);
  let ev10 = (ev9 * ev3);
  let ev11 = (ev10 * -0.1428571492433548f);
  let ev12 = (ev11 + 1.0f);
  let ev13 = (ev12 * ev3);
  let ev14 = (ev13 * -0.1666666716337204f);
  let ev15 = (ev14 + 1.0f);
  let ev16 = (ev15 * ev3);
  let ev17 = (ev16 * -0.20000000298023224f);
  let ev18 = (ev17 + 1.0f);
  let ev19 = (ev18 * ev3);
  let ev20 = (ev19 * -0.25f);
  let ev21 = (ev20 + 1.0f);
  let ev22 = (ev21 * ev3);
  let ev23 = (ev22 * -0.3333333432674408f);
  let ev24 = (ev23 + 1.0f);
  let ev25 = (ev24 * ev3);
  let ev26 = (ev25 * -0.5f);
  let ev27 = (ev26 + 1.0f);
  let ev28 = (ev27 * ev3);
  let ev29 = -(ev3);
  let ev30 = exp(ev29);
  let ev31 = -(ev30);
  let ev32 = (ev31 + 1.0f);
  let ev33 = select(ev32, ev28, ev4);
  let ev34 = (0.0010000000474974513f / ev33);
  b2[0] = ev34;
}

// add
fn kernel2(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(min(lane / 8u, 29u));
  let at0 = 8 * o0 + o1;
  let ex0 = b3[at0 + 256];
  let ev1 = (ex0 * 0.8999999761581421f);
  let ex2 = b4[at0];
  let ev3 = (ex2 * 0.10000000149011612f);
  let ev4 = (ev1 + ev3);
  b3[at0 + 256] = ev4;
}

// add
fn kernel3(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(min(lane / 8u, 29u));
  let at0 = 8 * o0 + o1;
  let ex0 = b3[at0 + 512];
  let ev1 = (ex0 * 0.9990000128746033f);
  let ex2 = b4[at0];
  let ev3 = (ex2 * ex2);
  let ev4 = (ev3 * 0.0010000000474974513f);
  let ev5 = (ev1 + ev4);
  b3[at0 + 512] = ev5;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  if (group < 1u) { kernel0(group * 64u + li); } else if (group < 2u) { kernel1((group - 1u) * 64u + li); } else if (group < 6u) { kernel2((group - 2u) * 64u + li); } else { kernel3((group - 6u) * 64u + li); }
}

// ==== 1: sub | add
@group(0) @binding(0) var<storage, read_write> b0: array<f32, 768>;
@group(0) @binding(1) var<storage, read> b1: array<f32, 1>;
@group(0) @binding(2) var<storage, read> b2: array<f32, 1>;
@group(0) @binding(3) var<storage, read_write> b3: array<u32, 64>;
// sub
fn kernel0(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(min(lane / 8u, 29u));
  let at0 = 8 * o0 + o1;
  let ex0 = b0[at0];
  let ex1 = b1[0];
  let ex2 = b0[at0 + 256];
  let ex3 = b0[at0 + 512];
  let ev4 = sqrt(ex3);
  let ex5 = b2[0];
  let ev6 = (ev4 / ex5);
  let ev7 = (ev6 + 9.99999993922529e-9f);
  let ev8 = (ex2 / ev7);
  let ev9 = (ex1 * ev8);
  let ev10 = (ex0 - ev9);
  b0[at0] = ev10;
}

// add
fn kernel1(lane: u32) {
  if (lane >= 1u) { return; }
  let ex0 = b3[0];
  let ev1 = (ex0 + 1u);
  b3[0] = ev1;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  if (group < 4u) { kernel0(group * 64u + li); } else { kernel1((group - 4u) * 64u + li); }
}
