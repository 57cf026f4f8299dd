// What the examples' pages share.

/** The element with this id. */
export const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** Runs the page; if that fails, the card says why. */
export function start(main: () => Promise<void>): void {
  main().catch((error: Error) => {
    const line = document.createElement("p");
    line.className = "failed";
    line.textContent = error.message;
    document.querySelector(".card")?.append(line);
    throw error;
  });
}

/** Calls `frame` for every picture that is shown, and not before the GPU is done with the last one. */
export async function eachFrame(queue: GPUQueue, frame: (count: number) => void): Promise<never> {
  for (let count = 1; ; count++) {
    frame(count);
    document.body.dataset.frames = String(count);
    await queue.onSubmittedWorkDone();
    await new Promise(requestAnimationFrame);
  }
}

/** Shows the example to the console, and to its test. */
export function expose(example: object): void {
  Object.assign(window, { example });
}
