export { checks } from './checks/index.ts';
export type { PreflightOptions } from './facts.ts';
export type { CheckReport, CheckStatus, Finding, Fix, PreflightReport, Severity } from './finding.ts';
export { preflight } from './preflight.ts';
export { smokeProject, type SmokeProject } from './smoke.ts';
