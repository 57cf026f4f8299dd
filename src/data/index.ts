// The names of `data`: data sets and their files.
export { checkDataset, checkLabels, countOf, type Dataset, takeExamples } from "./dataset.ts";
export { gunzip, parseIdx } from "./idx.ts";
export { fromUrl, mnist, type ReadFile, type Split } from "./mnist.ts";
