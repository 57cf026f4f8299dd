// The host: an ordinary scene of three.js, with a mesh whose vertices and normals are storage.
import { mergeVertices } from "three/addons/utils/BufferGeometryUtils.js";
import { color, mix, normalWorld } from "three/tsl";
import * as THREE from "three/webgpu";

/** A unit sphere of triangles of one size; four numbers a vertex, as kernels store them. */
function storedSphere(detail: number): THREE.BufferGeometry {
  const sphere = new THREE.IcosahedronGeometry(1, detail);
  sphere.deleteAttribute("uv");
  sphere.deleteAttribute("normal");
  const merged = mergeVertices(sphere);
  const { position } = merged.attributes;
  const four = Float32Array.from(
    { length: 4 * position!.count },
    (_, i) => [...position!.array.slice(3 * (i >> 2), 3 * (i >> 2) + 3), 1][i & 3]!,
  );
  merged.setAttribute("position", new THREE.StorageBufferAttribute(four, 4));
  merged.setAttribute("normal", new THREE.StorageBufferAttribute(four.slice(), 4));
  return merged;
}

export function makeScene(width: number, height: number) {
  const material = new THREE.MeshPhysicalNodeMaterial({ roughness: 0.32, metalness: 0.05, clearcoat: 0.4 });
  material.colorNode = mix(color(0x4a6bff), color(0xff8f5a), normalWorld.y.mul(0.5).add(0.5));
  const mesh = new THREE.Mesh(storedSphere(18), material);
  mesh.frustumCulled = false; // three knows the vertices of the start only

  const scene = new THREE.Scene();
  scene.background = new THREE.Color(0x0b0e14);
  const key = new THREE.DirectionalLight(0xffffff, 2.6);
  key.position.set(2, 3, 4);
  const rim = new THREE.DirectionalLight(0x7fa0ff, 2.2);
  rim.position.set(-4, 1, -3);
  scene.add(mesh, key, rim, new THREE.HemisphereLight(0xbfd0ff, 0x1a1420, 0.9));

  const camera = new THREE.PerspectiveCamera(35, width / height, 0.1, 20);
  camera.position.set(0, 0.9, 4.6);
  camera.lookAt(0, 0, 0);
  const wide = width > height; // beside the card, or above it
  camera.setViewOffset(width, height, wide ? -0.16 * width : 0, wide ? 0 : 0.14 * height, width, height);
  return { scene, camera, mesh };
}
