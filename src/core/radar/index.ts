export { podOnRadar, radar, stopPod } from './radar.ts';
export type { PodAction, PodJob, PodOwner, Radar, RadarPod, RadarVolume } from './types.ts';
