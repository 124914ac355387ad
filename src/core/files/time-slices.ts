/** How long synchronous work may hold the thread before others get a turn, in milliseconds. */
const sliceMs = 20;

/** Cuts long synchronous work: call and await the returned function between small parts of it. */
export function slices(): () => Promise<void> | undefined {
  let begun = performance.now();
  return () => {
    if (performance.now() - begun < sliceMs) {
      return undefined;
    }
    return new Promise((resolve) => {
      setImmediate(() => {
        begun = performance.now();
        resolve();
      });
    });
  };
}
