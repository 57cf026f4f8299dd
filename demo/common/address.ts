// What the page's address asks for, besides the page.

/** Whether to compute on the CPU in any case: `?cpu`. */
export const wantsCpu = (): boolean => new URLSearchParams(location.search).has("cpu");
