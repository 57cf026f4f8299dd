/**
 * Data sets and their files.
 *
 * @module wgrad/data
 */
export { checkDataset, checkLabels, countOf, type Dataset, takeExamples } from "./dataset.ts";
export { gunzip, parseIdx } from "./idx.ts";
export { fromUrl, mnist, type ReadFile, type Split } from "./mnist.ts";
