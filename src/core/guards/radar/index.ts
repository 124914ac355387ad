export { onRadar, radar, stopEndpoint, stopPod } from './radar.ts';
export type {
  EndpointAction,
  HelperOf,
  Owner,
  OwnerJob,
  PodAction,
  Radar,
  RadarEndpoint,
  RadarPod,
  RadarVolume,
} from './types.ts';
