export { askerText } from './asker.ts';
export { byteText } from './bytes.ts';
export { clock, endsByText } from './clock.ts';
export { count, countIs, firstNames } from './count.ts';
export { ageText, duration, roughly } from './duration.ts';
export { foresightText, notPassed, otherThere, reasonText, tellingReasons, type Unsure } from './foresight.ts';
export { helperCostLines, helperText } from './helpers.ts';
export { jobSeconds, jobTimeParts, jobTimeText, podSeconds, type JobTimes } from './job-time.ts';
export {
  cost,
  dollars,
  forPrice,
  metered,
  mostPerHour,
  priced,
  pricePerHour,
  pricePerMonth,
  soundPrice,
  spentText,
} from './money.ts';
export { missingText, missingWords } from './results.ts';
export { isLeftOut, scanNoteText, type LeftOut, type ScanNote } from './scan-notes.ts';
export { endedWords, jobWords, phaseWords, stepWords } from './states.ts';
