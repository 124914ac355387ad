export type { Check, CheckId, CheckStatus, Subject } from './check.ts';
export { checkTitles, examine } from './examine.ts';
export type { ExamineOptions } from './examine.ts';
