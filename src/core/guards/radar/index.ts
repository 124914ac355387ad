export { onRadar, radar, stopEndpoint, stopPod } from './radar.ts';
export type {
  EndpointAction,
  Owner,
  OwnerJob,
  PodAction,
  Radar,
  RadarEndpoint,
  RadarPod,
  RadarVolume,
} from './types.ts';
