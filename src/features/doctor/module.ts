import type * as vscode from 'vscode';
import type { Check } from '../../core/guards/doctor/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { PolledList } from '../common/polled-list.ts';
import { withProgress } from '../common/progress.ts';
import { buttonsOf, press } from '../common/remedies.ts';
import { commands } from '../ids.ts';
import { labelOf } from '../pods/pod-nodes.ts';

const scheme = 'runpod-report';

/** Finds out where the way to a pod is blocked, and shows what was found with what to do about it. */
export function createDoctorModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  pods: PolledList<Pod>,
  installation: () => Promise<Installation>,
): Disposable {
  const store = new DisposableStore();
  const reports = new Map<string, string>();
  const changed = store.add(new vs.EventEmitter<vscode.Uri>());
  store.add(
    vs.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => reports.get(uri.path) ?? 'Run "RunPod: Connection Doctor…" again.',
    }),
  );
  store.add(
    registry.register(commands.connectionDoctor, async (target) => {
      const [{ choosePod }, { checkTitles, examine }, { doctorReport }] = await Promise.all([
        import('../pods/pod-commands.ts'),
        import('../../core/guards/doctor/index.ts'),
        import('./report.ts'),
      ]);
      const pod = await choosePod(vs, account, pods, { title: 'Connection Doctor', none: 'look at' }, target);
      if (pod === undefined) {
        return;
      }
      const name = labelOf(pod);
      const here = await installation();
      const checks: Check[] = [];
      const result = await withProgress(
        vs,
        { title: `Looking at the connection to ${name}` },
        async (signal, report) => {
          report(checkTitles[0] ?? '');
          for await (const check of examine({ installation: here, subject: { pod: pod.id }, signal })) {
            checks.push(check);
            report(checkTitles[checks.length] ?? 'done');
          }
        },
      );
      if (result.status === 'error') {
        throw result.error;
      }
      if (checks.length === 0) {
        return;
      }
      const uri = vs.Uri.from({ scheme, path: `/${pod.id}/Connection to ${name.replaceAll('/', '_')}.md` });
      reports.set(uri.path, doctorReport(name, checks));
      changed.fire(uri);
      await vs.commands.executeCommand('markdown.showPreview', uri);
      offerRemedies(vs, checks);
    }),
  );
  return store;
}

/** The page has no buttons, so what one of them would do is offered beside it. */
function offerRemedies(vs: typeof vscode, checks: readonly Check[]): void {
  const check = checks.find(({ remedies = [] }) => remedies.length > 0);
  const buttons = buttonsOf(vs, check?.remedies ?? []);
  if (check !== undefined && buttons.length > 0) {
    const text = `${check.title}: ${check.seen} ${check.next ?? ''}`.trim();
    void vs.window.showWarningMessage(text, ...buttons.map((b) => b.title)).then((chosen) =>
      press(
        vs,
        buttons.find((b) => b.title === chosen),
      ),
    );
  }
}
