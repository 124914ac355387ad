import { UserError } from '../../../errors.ts';
import type { Check } from '../check.ts';
import type { Fix } from '../finding.ts';
import { ApiError } from '../../../runpod/api-error.ts';

export const volume: Check = {
  id: 'volume',
  title: 'Volume',
  run: async (facts, say) => {
    const { account, project } = facts;
    const wanted = project.target.volume;
    try {
      const plan = await account.volumePlan();
      if (!plan.exists) {
        const center = (await account.dataCenters()).find((d) => d.id === plan.dataCenter);
        if (center !== undefined && center.networkVolumeTypes.every((t) => t === 'HIGH_PERFORMANCE')) {
          say.warning('volume-dear', {
            what: `${plan.dataCenter} has only high-performance volumes.`,
            why: 'They cost about twice as much as standard ones, and a volume stays in its data center for good.',
            next: 'Choose another data center, unless the speed is worth it.',
            at: facts.place('target', 'volume', 'dataCenter'),
          });
        }
      } else if (wanted.size !== undefined && plan.volume.size < wanted.size) {
        say.warning('volume-smaller', {
          what: `The volume "${plan.volume.name}" has ${plan.volume.size} GB; the project file says ${wanted.size}.`,
          why: 'The size in the file counts only when the volume is created.',
          next: `Enlarge the volume to ${wanted.size} GB, or correct the file.`,
          at: facts.place('target', 'volume', 'size'),
          fix: growTo(plan.volume.id, wanted.size),
        });
      }
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof ApiError) {
        throw error;
      }
      const [elsewhere] = error.code === 'volume-elsewhere' ? await account.volumes() : [];
      const field =
        error.code === 'volume-elsewhere' || error.code === 'data-center-closed' ? ['dataCenter'] : ['name'];
      say.error(error.code, {
        what: error.what,
        why: error.why ?? 'The pod gets its files from the volume and leaves its results there.',
        next: error.next ?? 'Correct "target.volume".',
        at: facts.place('target', 'volume', ...field),
        ...(elsewhere !== undefined && {
          fix: {
            title: `Use ${elsewhere.dataCenter}`,
            command: 'set-value' as const,
            args: { path: ['target', 'volume', 'dataCenter'], value: elsewhere.dataCenter },
          },
        }),
      });
    }
  },
};

function growTo(volume: string, size: number): Fix {
  return { title: `Enlarge to ${size} GB`, command: 'grow-volume', args: { volume, size } };
}
