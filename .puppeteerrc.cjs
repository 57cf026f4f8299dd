// Puppeteer drives the browser that src/cli/chrome.ts finds; it never downloads one of its own.
module.exports = { skipDownload: true };
