import type { Installation } from '../../home/installation.ts';
import type { LoadedProject } from '../../project/load.ts';
import { scanProject } from '../../files/to-upload.ts';
import { bootHistory, recordedBoots } from '../../journal/boots.ts';
import { readCatalog } from './hardware.ts';
import { probeS3 } from './probe-s3.ts';
import { rankRegions } from './rank.ts';
import type { Advice, AdviceRequest } from './types.ts';

/**
 * Which data center to use and how large a volume: reads the catalog, this computer's own records and what a check of
 * the platform found, and asks S3 where there is a volume. Creates nothing.
 * Throws ApiError, and CancelledError when the signal aborts.
 */
export async function advise(
  { client, platform, records, restUrl, s3 }: Pick<Installation, 'client' | 'platform' | 'records' | 'restUrl' | 's3'>,
  request: AdviceRequest,
  signal?: AbortSignal,
): Promise<Advice> {
  const [dataCenters, catalog, boots, { s3Works = {} }, probed] = await Promise.all([
    client.catalog.dataCenters({}, signal),
    readCatalog(client, request, signal),
    recordedBoots(records, restUrl),
    platform.capabilities(restUrl),
    client.volumes.list(signal).then((volumes) => probeS3(s3, volumes, signal)),
  ]);
  const checked = Object.entries(s3Works).map(
    ([dataCenter, works]) => [dataCenter, works ? 'yes' : 'unknown'] as const,
  );
  return rankRegions(
    { dataCenters, catalog, boots: bootHistory(boots), at: new Date(), free: client.free },
    { s3: s3?.endpoints, probed: { ...Object.fromEntries(checked), ...probed }, ...request },
  );
}

/** What a project needs, from its file, its folder and the account's volumes. */
export async function adviceRequest(
  { client }: Pick<Installation, 'client'>,
  { project, root }: Pick<LoadedProject, 'project' | 'root'>,
  signal?: AbortSignal,
): Promise<AdviceRequest> {
  const { target } = project;
  const [found, volumes] = await Promise.all([scanProject({ root, project }, signal), client.volumes.list(signal)]);
  const { name, dataCenter } = target.volume;
  const fitting = volumes
    .filter((v) => v.name === name || v.id === name)
    .filter((v) => dataCenter === undefined || v.dataCenter === dataCenter);
  // Of several with one name nobody can say which is meant; the run itself refuses them.
  const volume = fitting.length === 1 ? fitting[0] : undefined;
  const files = [...found.files, ...found.archives.flatMap((a) => a.files)];
  return {
    gpus: target.gpus,
    gpuCount: target.gpuCount,
    minCuda: target.minCuda,
    cpu: target.cpu,
    dataBytes: files.reduce((sum, file) => sum + file.size, 0),
    ...(volume && { volume }),
  };
}
