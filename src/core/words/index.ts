export { byteText } from './bytes.ts';
export { clock } from './clock.ts';
export { count, countIs, firstNames } from './count.ts';
export { ageText, duration, roughly } from './duration.ts';
export { helperCostLines, helperText } from './helpers.ts';
export { jobSeconds, jobTimeParts, jobTimeText, podSeconds, type JobTimes } from './job-time.ts';
export { cost, dollars, forPrice, priced, pricePerHour, pricePerMonth } from './money.ts';
export { isLeftOut, scanNoteText, type LeftOut, type ScanNote } from './scan-notes.ts';
export { endedWords, jobWords, phaseWords, stepWords } from './states.ts';
