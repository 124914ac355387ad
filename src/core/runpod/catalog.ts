import type { ApiHttp } from './http.ts';
import { queryString, type CpuFilter, type DataCenterFilter, type GpuFilter } from './requests.ts';
import {
  cpuTypeListSchema,
  dataCenterListSchema,
  gpuTypeListSchema,
  type CpuType,
  type DataCenter,
  type GpuType,
} from './schemas.ts';

/**
 * What can be rented where and for how much: `/catalog`. A hint, not a reservation: stock changes within minutes.
 * Every method throws ApiError, and CancelledError when its signal aborts.
 */
export class CatalogApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  async dataCenters(filter: DataCenterFilter = {}, signal?: AbortSignal): Promise<DataCenter[]> {
    const query = queryString({ include: filter.include });
    const { dataCenters } = await this.#http.json(
      { method: 'GET', path: '/catalog/datacenters', query, purpose: 'read the list of data centers', signal },
      dataCenterListSchema,
    );
    return dataCenters.filter(isKnown);
  }

  /** GPU types with prices and the stock for pods. */
  async gpus(filter: GpuFilter = {}, signal?: AbortSignal): Promise<GpuType[]> {
    const query = queryString({
      include: ['AVAILABILITY'],
      product: ['POD'],
      count: filter.count,
      cloud: filter.cloud,
      minCudaVersion: filter.minCudaVersion,
    });
    const { gpus } = await this.#http.json(
      { method: 'GET', path: '/catalog/gpus', query, purpose: 'read the list of GPU types', signal },
      gpuTypeListSchema,
    );
    return gpus.filter(isKnown);
  }

  /** CPU flavors with prices and the stock for pods. */
  async cpus(filter: CpuFilter = {}, signal?: AbortSignal): Promise<CpuType[]> {
    const query = queryString({ include: ['AVAILABILITY'], product: ['POD'], vcpuCount: filter.vcpuCount });
    const { cpus } = await this.#http.json(
      { method: 'GET', path: '/catalog/cpus', query, purpose: 'read the list of CPU types', signal },
      cpuTypeListSchema,
    );
    return cpus.filter(isKnown);
  }
}

/** The catalog holds a placeholder that cannot be rented. */
function isKnown(entry: { id: string }): boolean {
  return entry.id !== 'unknown';
}
