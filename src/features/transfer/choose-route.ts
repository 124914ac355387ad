import type * as vscode from 'vscode';
import { pricePerHour } from '../../core/words/index.ts';
import { gatewayOffers } from '../../core/transport/gateway/offer.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { RouteChoice, RouteKind, TransferPlan } from '../../core/volumes/plan/index.ts';
import { withProgress } from '../common/progress.ts';
import { routeNames } from './plan-text.ts';

type Item = vscode.QuickPickItem & { route: RouteKind | 'plan' };

/** Which way the files shall go: a route, `plan` to leave it to the plan, undefined when the user gave up. */
export async function askRoute(
  vs: typeof vscode,
  installation: Installation,
  plan: TransferPlan,
): Promise<RouteKind | 'plan' | undefined> {
  const { route, volume } = plan;
  const items: Item[] = [];
  for (const choice of [route, ...route.alternatives]) {
    const price = await priceOf(vs, installation, choice, volume.dataCenter);
    items.push({
      label: `${choice.available ? icons[choice.kind] : '$(circle-slash)'} ${routeNames[choice.kind]}`,
      description: [price, ...(choice.kind === route.kind ? ['chosen now'] : [])].join(' · '),
      detail: choice.reason,
      route: choice.kind,
    });
  }
  const automatic = {
    label: '$(sparkle) Let the Plan Choose',
    detail: 'By what runs, what S3 reaches, and how many and how large the files are.',
    route: 'plan' as const,
  };
  const options = { title: 'Choose Route', placeHolder: 'Which way shall the files go?' };
  return (await vs.window.showQuickPick<Item>([...items, automatic], options))?.route;
}

const icons: Record<RouteKind, string> = { s3: '$(cloud-upload)', ssh: '$(vm-running)', gateway: '$(vm-outline)' };

/** Asking what a gateway costs starts nothing; where nobody answers, the price is asked about before it is rented. */
async function priceOf(
  vs: typeof vscode,
  { client }: Installation,
  { kind, available }: RouteChoice,
  dataCenter: string | null,
): Promise<string> {
  if (!available) {
    return 'not to be had now';
  }
  if (kind !== 'gateway') {
    return kind === 's3' ? 'free' : 'nothing extra';
  }
  const asked =
    dataCenter === null
      ? undefined
      : await withProgress(vs, { title: 'Asking for prices…', where: 'window' }, (signal) =>
          gatewayOffers(client, dataCenter, signal),
        );
  return asked?.status === 'ok' ? pricePerHour(asked.value[0].costPerHour, client.free) : 'price is asked about first';
}
