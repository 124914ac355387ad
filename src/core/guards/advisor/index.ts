export { advise, adviceRequest } from './advise.ts';
export { usable } from './hardware.ts';
export type { Advice, AdviceRequest, Hardware, NoStock, RegionRow, StockWish } from './types.ts';
export { waitForStock } from './wait.ts';
export type { WaitOptions } from './wait.ts';
