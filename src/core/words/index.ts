export { askerText } from './asker.ts';
export { byteText } from './bytes.ts';
export { clock } from './clock.ts';
export { count } from './count.ts';
export { ageText, duration, roughly } from './duration.ts';
export { helperCostLines, helperText } from './helpers.ts';
export { jobSeconds, jobTimeParts, jobTimeText, podSeconds, type JobTimes } from './job-time.ts';
export { cost, dollars, forPrice, metered, priced, pricePerHour, pricePerMonth, spentText } from './money.ts';
export { endedWords, jobWords, phaseWords, stepWords } from './states.ts';
