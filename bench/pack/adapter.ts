// Ends well if Dawn has an adapter that is a GPU.
import { create } from "webgpu";

const info = (await create([]).requestAdapter({ powerPreference: "high-performance" }))?.info;
if (info) console.log([info.vendor, info.architecture, info.description].join(" "));
process.exit(info && !/swiftshader|llvmpipe/i.test(`${info.architecture} ${info.description}`) ? 0 : 1);
