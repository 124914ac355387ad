export type { Answer } from './answers.ts';
export { capNote, PlatformFile, shippedDefaults } from '../../home/capabilities.ts';
export type { Capabilities, Findings } from '../../home/capabilities.ts';
export { deadlineMinutes, planVerification } from './plan.ts';
export type { VerifyPlan } from './plan.ts';
export { verifyPlatform } from './verify.ts';
export type { Verification, VerifyOptions } from './options.ts';
