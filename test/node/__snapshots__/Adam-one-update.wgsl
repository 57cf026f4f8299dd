// ==== 0: add | add
@group(0) @binding(0) var<storage, read_write> b0: array<f32, 768>;
@group(0) @binding(1) var<storage, read> b1: array<f32, 240>;
// add
fn kernel0(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(lane / 8u);
  let ex0 = b0[8 * o0 + o1 + 256];
  let ev1 = (ex0 * 0.8999999761581421f);
  let ex2 = b1[8 * o0 + o1];
  let ev3 = (ex2 * 0.10000000149011612f);
  let ev4 = (ev1 + ev3);
  b0[8 * o0 + o1 + 256] = ev4;
}

// add
fn kernel1(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(lane / 8u);
  let ex0 = b0[8 * o0 + o1 + 512];
  let ev1 = (ex0 * 0.9990000128746033f);
  let ex2 = b1[8 * o0 + o1];
  let ev3 = (ex2 * ex2);
  let ev4 = (ev3 * 0.0010000000474974513f);
  let ev5 = (ev1 + ev4);
  b0[8 * o0 + o1 + 512] = ev5;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  if (group < 4u) { kernel0((group - 0u) * 64u + li); } else { kernel1((group - 4u) * 64u + li); }
}

// ==== 1: sub
@group(0) @binding(0) var<storage, read_write> b0: array<f32, 768>;
@group(0) @binding(1) var<storage, read> b1: array<vec4<u32>, 16>;
// sub
fn kernel0(lane: u32) {
  if (lane >= 240u) { return; }
  let o1 = i32((lane) % 8u);
  let o0 = i32(lane / 8u);
  let ex0 = b0[8 * o0 + o1];
  let ex1q = b1[0];
  let ex1 = ex1q.x;
  let ev2 = f32(ex1);
  let ev3 = (ev2 + 1.0f);
  let ev4 = (ev3 * 0.10536051541566849f);
  let ev5 = (ev4 < 0.5f);
  let ev6 = (ev4 * -0.1111111119389534f);
  let ev7 = (ev6 + 1.0f);
  let ev8 = (ev7 * ev4);
  let ev9 = (ev8 * -0.125f);
  let ev10 = (ev9 + 1.0f);
  let ev11 = (ev10 * ev4);
  let ev12 = (ev11 * -0.1428571492433548f);
  let ev13 = (ev12 + 1.0f);
  let ev14 = (ev13 * ev4);
  let ev15 = (ev14 * -0.1666666716337204f);
  let ev16 = (ev15 + 1.0f);
  let ev17 = (ev16 * ev4);
  let ev18 = (ev17 * -0.20000000298023224f);
  let ev19 = (ev18 + 1.0f);
  let ev20 = (ev19 * ev4);
  let ev21 = (ev20 * -0.25f);
  let ev22 = (ev21 + 1.0f);
  let ev23 = (ev22 * ev4);
  let ev24 = (ev23 * -0.3333333432674408f);
  let ev25 = (ev24 + 1.0f);
  let ev26 = (ev25 * ev4);
  let ev27 = (ev26 * -0.5f);
  let ev28 = (ev27 + 1.0f);
  let ev29 = (ev28 * ev4);
  let ev30 = -(ev4);
  let ev31 = exp(ev30);
  let ev32 = -(ev31);
  let ev33 = (ev32 + 1.0f);
  let ev34 = select(ev33, ev29, ev5);
  let ev35 = (0.0010000000474974513f / ev34);
  let ex36 = b0[8 * o0 + o1 + 256];
  let ex37 = b0[8 * o0 + o1 + 512];
  let ev38 = sqrt(ex37);
  let ev39 = (ev3 * 0.0010005002841353416f);
  let ev40 = (ev39 < 0.5f);
  let ev41 = (ev39 * -0.1111111119389534f);
  let ev42 = (ev41 + 1.0f);
  let ev43 = (ev42 * ev39);
  let ev44 = (ev43 * -0.125f);
  let ev45 = (ev44 + 1.0f);
  let ev46 = (ev45 * ev39);
  let ev47 = (ev46 * -0.1428571492433548f);
  let ev48 = (ev47 + 1.0f);
  let ev49 = (ev48 * ev39);
  let ev50 = (ev49 * -0.1666666716337204f);
  let ev51 = (ev50 + 1.0f);
  let ev52 = (ev51 * ev39);
  let ev53 = (ev52 * -0.20000000298023224f);
  let ev54 = (ev53 + 1.0f);
  let ev55 = (ev54 * ev39);
  let ev56 = (ev55 * -0.25f);
  let ev57 = (ev56 + 1.0f);
  let ev58 = (ev57 * ev39);
  let ev59 = (ev58 * -0.3333333432674408f);
  let ev60 = (ev59 + 1.0f);
  let ev61 = (ev60 * ev39);
  let ev62 = (ev61 * -0.5f);
  let ev63 = (ev62 + 1.0f);
  let ev64 = (ev63 * ev39);
  let ev65 = -(ev39);
  let ev66 = exp(ev65);
  let ev67 = -(ev66);
  let ev68 = (ev67 + 1.0f);
  let ev69 = select(ev68, ev64, ev40);
  let ev70 = sqrt(ev69);
  let ev71 = (ev38 / ev70);
  let ev72 = (ev71 + 9.99999993922529e-9f);
  let ev73 = (ex36 / ev72);
  let ev74 = (ev35 * ev73);
  let ev75 = (ex0 - ev74);
  b0[8 * o0 + o1] = ev75;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  { kernel0((group - 0u) * 64u + li); }
}

// ==== 2: add
@group(0) @binding(0) var<storage, read_write> b0: array<u32, 64>;
// add
fn kernel0(lane: u32) {
  if (lane >= 1u) { return; }
  let ex0 = b0[0];
  let ev1 = (ex0 + 1u);
  b0[0] = ev1;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {
  let group = wg.x;
  { kernel0((group - 0u) * 64u + li); }
}
