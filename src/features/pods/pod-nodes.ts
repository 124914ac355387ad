import type * as vscode from 'vscode';
import { helperUse } from '../../core/journal/helper-use.ts';
import type { HelperPod } from '../../core/journal/helpers.ts';
import { podPrefix } from '../../core/journal/id.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import { duration, helperText, pricePerHour } from '../../core/words/index.ts';
import type { TreeNode } from '../common/list-view.ts';

/** Pods that a job rented are named after it; the project is what people look for. */
export function labelOf(pod: Pod): string {
  const project = new RegExp(`^${podPrefix}(.+)-\\d{8}-\\d{6}-\\w{4}$`).exec(pod.name)?.[1];
  return project ?? (pod.name || pod.id);
}

/** What somebody is at work for with a pod that is of no job's steps: `syncing songs`; undefined for any other. */
export function workOn(pod: Pod, helpers: readonly HelperPod[]): string | undefined {
  const use = helperUse(pod, helpers);
  return use === undefined || use.atWork === 'no' ? undefined : helperText(use);
}

/** Flags that menus match on, such as `pod;stop;terminate`. While files are on their way through it, a pod is not to be ended. */
export function contextValueOf(pod: Pod, helpers: readonly HelperPod[]): string {
  return ['pod', ...(workOn(pod, helpers) === undefined ? pod.actions : [])].join(';');
}

/** `1x NVIDIA H100`, `4 vCPU cpu5c`. */
export function hardwareOf(pod: Pod): string {
  if (pod.gpu !== null) {
    return `${pod.gpu.count > 1 ? `${pod.gpu.count}x ` : ''}${pod.gpu.id.replace(/^NVIDIA (GeForce )?/, '')}`;
  }
  return pod.cpu === null ? 'unknown machine' : `${pod.cpu.vcpuCount ?? '?'} vCPU`;
}

/** `H100 80GB · $2.69/h · running 2 h 10 min`. A pod that does not run costs no hourly price. */
export function describePod(pod: Pod, now: Date, free: boolean): string {
  const running = pod.status === 'RUNNING';
  const since = running && pod.startedAt !== null ? Date.parse(pod.startedAt) : NaN;
  const time = Number.isNaN(since) ? '' : ` ${duration((now.getTime() - since) / 1000)}`;
  const costs = !['EXITED', 'TERMINATED'].includes(pod.status);
  const price = costs ? [pricePerHour(pod.cost, free)] : [];
  const state = `${pod.status.toLowerCase()}${time}`;
  // A row has little room: the longer words of the sandbox must not hide how the pod stands.
  return [hardwareOf(pod), ...(free ? [state, ...price] : [...price, state])].join(' · ');
}

const icons: Record<Pod['status'], [icon: string, color?: string]> = {
  PROVISIONING: ['loading~spin'],
  STARTING: ['loading~spin'],
  RUNNING: ['vm-running', 'charts.green'],
  EXITED: ['vm-outline'],
  ERROR: ['error', 'charts.red'],
  TERMINATED: ['circle-slash'],
  UNKNOWN: ['question'],
};

export function podNodes(
  vs: typeof vscode,
  pods: Pod[],
  helpers: readonly HelperPod[],
  free: boolean,
  now = new Date(),
): TreeNode[] {
  return pods.map((pod) => {
    const item = new vs.TreeItem(labelOf(pod), vs.TreeItemCollapsibleState.Collapsed);
    const [icon, color] = icons[pod.status];
    item.id = `pod:${pod.id}`;
    const work = workOn(pod, helpers);
    item.description = [...(work === undefined ? [] : [work]), describePod(pod, now, free)].join(' · ');
    item.tooltip = [pod.name, work ?? '', describePod(pod, now, free), pod.image ?? '', `Id ${pod.id}`]
      .filter(Boolean)
      .join('\n');
    item.contextValue = contextValueOf(pod, helpers);
    item.iconPath = new vs.ThemeIcon(icon, color === undefined ? undefined : new vs.ThemeColor(color));
    return { item, id: pod.id, children: () => details(vs, pod) };
  });
}

function details(vs: typeof vscode, pod: Pod): TreeNode[] {
  const lines: [icon: string, label: string, description: string][] = [];
  const direct = pod.ssh.direct;
  lines.push(['terminal', 'SSH', direct === null ? 'not reachable yet' : `${direct.host}:${direct.port}`]);
  for (const mount of pod.mounts.network) {
    lines.push(['database', 'Volume', `mounted at ${mount.path}`]);
  }
  for (const [index, gpu] of (pod.runtime?.gpus ?? []).entries()) {
    lines.push(['pulse', `GPU ${index}`, `${gpu.util ?? '?'} % busy, memory ${gpu.memoryUtil ?? '?'} %`]);
  }
  if (pod.dataCenterId !== null) {
    lines.push(['globe', 'Data center', pod.dataCenterId]);
  }
  return lines.map(([icon, label, description]) => {
    const item = new vs.TreeItem(label);
    item.description = description;
    item.iconPath = new vs.ThemeIcon(icon);
    return { item };
  });
}
