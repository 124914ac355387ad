import { UserError } from '../errors.ts';
import { own } from '../json.ts';
import type { Project } from './schema.ts';

/** The project as a profile changes it. Throws a UserError for a name that the file does not have. */
export function applyProfile(project: Project, name: string | undefined): Project {
  if (name === undefined) {
    return project;
  }
  const profile = own(project.profiles, name);
  if (profile === undefined) {
    const known = Object.keys(project.profiles);
    throw new UserError('profile-unknown', {
      what: `The project has no profile "${name}".`,
      next: known.length > 0 ? `Choose one of: ${known.join(', ')}.` : 'It has none; run it as it is.',
    });
  }
  const { where, sync, env, caps, target } = profile;
  return {
    ...project,
    target: {
      ...project.target,
      ...(target?.gpus && { gpus: target.gpus }),
      ...(target?.image !== undefined && { image: target.image }),
      ...(target?.disk !== undefined && { disk: target.disk }),
    },
    sync: {
      ...project.sync,
      ...(sync?.archives && { archives: sync.archives }),
      ...(sync?.gone && { gone: sync.gone }),
      ...(sync?.allowSecrets && { allowSecrets: sync.allowSecrets }),
      must: sync?.must ?? project.sync.must,
      data: sync?.data ?? project.sync.data,
      optional: sync?.optional ?? project.sync.optional,
      never: sync?.never ?? project.sync.never,
    },
    env: { ...project.env, ...env },
    caps: { ...project.caps, ...caps },
    steps: where === undefined ? project.steps : project.steps.map((s) => ({ ...s, where })),
  };
}
