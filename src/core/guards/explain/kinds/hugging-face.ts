import { brief, lastHit, shown } from '../lines.ts';
import type { Change, Detector, Facts, Finding } from '../types.ts';

/**
 * Sentences of huggingface_hub 0.20 to 1.x and transformers 4 and 5 (huggingface/huggingface_hub
 * src/huggingface_hub/utils/_http.py, huggingface/transformers src/transformers/utils/hub.py).
 */
const gated = [
  /Cannot access gated repo for url (\S+)/,
  /You are trying to access a gated repo/,
  /Access to model (\S+) is restricted/,
  /GatedRepoError/,
];
const unauthorized = [
  /401 Client Error.*huggingface/i,
  /RepositoryNotFoundError: 401/,
  /(?:Invalid (?:credentials|user token|username or password)).*hugging ?face|hugging ?face.*Invalid (?:credentials|user token|username or password)/i,
  /HfHubHTTPError: .*40[13]\b/,
];
const absent = [
  /Repository Not Found for url: (\S+)/,
  /(?<!\S)(\S{1,200}) is not a local folder and is not a valid model identifier/,
  /Revision Not Found for url: (\S+)/,
];
/** The repository or folder is there and lacks a file; what is at fault is said by the first group, if at all. */
const lacking = [
  /Entry Not Found for url: (\S+)/,
  /(?<!\S)(\S{1,200}) does not appear to have (?:a file named|files named) (\S+)/,
  /Unrecognized model in (\S+?)\. Should have a `model_type` key/,
  /no file named .* found in (?:directory )?(\S+)/,
];
const cut = [
  /Consistency check failed: file should be of size \d+ but has size \d+/,
  /An error happened while trying to locate the files? on the Hub/,
  /We couldn't connect to 'https:\/\/huggingface\.co'/,
  /(?:IncompleteRead|ReadTimeout|ConnectTimeout|ConnectionError|ReadTimeoutError|RemoteProtocolError)\b.*(?:huggingface\.co|hf\.co|cas-server|cdn-lfs)/,
  /(?:huggingface\.co|hf\.co).*(?:Max retries exceeded|Read timed out|Connection aborted|NameResolutionError)/,
  /outgoing traffic has been disabled/,
];
const limited = [/429 Client Error.*huggingface/i, /Too Many Requests.*huggingface/i];

/** A model or dataset did not come from Hugging Face. */
export const huggingFace: Detector = {
  kind: 'hugging-face',
  detect: (facts) => {
    const { lines } = facts;
    const closed = lastHit(lines, ...gated);
    if (closed !== undefined) {
      return gatedFinding(facts, closed.at, closed.line);
    }
    const without = lastHit(lines, ...lacking);
    if (without !== undefined) {
      return lackingFinding(facts, without.at, without.line, without.match[1] ?? '');
    }
    const missing = lastHit(lines, ...absent);
    const refused = lastHit(lines, ...unauthorized);
    const broken = lastHit(lines, ...cut, ...limited);
    const hit = [missing, refused, broken].filter((h) => h !== undefined).toSorted((a, b) => b.at - a.at)[0];
    if (hit === undefined) {
      return undefined;
    }
    if (hit === broken) {
      return cutFinding(hit.at, hit.line);
    }
    return hit === missing ? missingFinding(facts, hit.at, hit.line) : tokenFinding(facts, hit.at, hit.line);
  },
};

/** `owner/name` of the repository that the lines are about. */
function repository({ lines }: Facts): string | undefined {
  const hit = lastHit(
    lines,
    /huggingface\.co\/(?:api\/models\/|api\/datasets\/|datasets\/)?([\w.-]+\/[\w.-]+?)(?:\/(?:resolve|tree|blob|raw)\b|[\s'".]|$)/,
    /(?:Access to model|^OSError:|^)\s?([\w.-]+\/[\w.-]+) is (?:restricted|not a local folder)/,
  );
  return hit?.match[1];
}

/** Lets the step have a token, when it does not list one yet. */
function giveToken({ evidence: { project }, step }: Facts): Change | null {
  const index = project?.steps.findIndex((s) => s.name === step?.name) ?? -1;
  const secrets = project?.steps[index]?.secrets ?? [];
  if (project === undefined || index < 0 || secrets.some((s) => /^(HF|HUGGING_?FACE(_HUB)?)_TOKEN$/.test(s))) {
    return null;
  }
  const text = `Let the step ${step?.name ?? ''} read the secret HF_TOKEN.`;
  const from = project.steps[index]?.secrets === undefined ? null : secrets;
  return { path: ['steps', index, 'secrets'], from, to: [...secrets, 'HF_TOKEN'], text };
}

function gatedFinding(facts: Facts, at: number, line: string): Finding {
  const name = repository(facts);
  const page = name === undefined ? "the model's page" : `https://huggingface.co/${name}`;
  const change = giveToken(facts);
  return {
    at,
    what: `${name ?? 'The model'} is gated: Hugging Face gives it only to accounts that were granted access.`,
    evidence: [shown(line)],
    why:
      change === null
        ? 'The token that the step has belongs to an account without access, or was given no right to read gated repositories.'
        : 'The step has no token of an account.',
    next: `Accept the terms at ${page}, then give a token that may read it. ${change?.text ?? 'Check the value of the token.'}`,
    change,
  };
}

function tokenFinding(facts: Facts, at: number, line: string): Finding {
  const change = giveToken(facts);
  return {
    at,
    what: 'Hugging Face did not let the step in: its token was refused or may not do this, or it has none.',
    evidence: [shown(line)],
    why: 'Private and gated repositories need a token; an expired one is refused also for public ones.',
    next: `Make a read token under Settings > Access Tokens at Hugging Face and set it as HF_TOKEN. ${change?.text ?? ''}`.trim(),
    change,
  };
}

function missingFinding(facts: Facts, at: number, line: string): Finding {
  const name = repository(facts);
  return {
    at,
    what: `Hugging Face has no ${name ?? 'such repository or revision'}, or not for this account.`,
    evidence: [shown(line)],
    why: 'A misspelt name and a private repository are answered alike. A local folder that is not on the pod is taken for a name, too.',
    next: 'Check the spelling of the name; for a private repository set HF_TOKEN; for a local folder, check that it is uploaded or was written by an earlier step.',
    change: null,
  };
}

function lackingFinding(facts: Facts, at: number, line: string, where: string): Finding {
  const isFolder = /^[./~]|\/.*\//.test(where.replace(/^https?:.*/, ''));
  const name = isFolder ? `The folder ${brief(where)}` : `${brief(repository(facts) ?? where)} at Hugging Face`;
  return {
    at,
    what: `${name} lacks a file that the step asks for.`,
    evidence: [shown(line)],
    why: isFolder
      ? 'What was saved or uploaded there is no whole model: its step did not end, or "sync" leaves a part of it out.'
      : 'The repository is there, but not with this file: it holds another format, or the name of the file is misspelt.',
    next: isFolder
      ? 'Check what the earlier step saved there; a gate of type "checkpoint" finds it sooner.'
      : "Look at the list of files on the repository's page, and name one of them.",
    change: null,
  };
}

function cutFinding(at: number, line: string): Finding {
  return {
    at,
    what: 'A download from Hugging Face was cut or could not begin.',
    evidence: [shown(line)],
    why: 'The network of the host, or Hugging Face itself, had a failure; files that are whole stay in the cache.',
    next: 'Run again from this step. With HF_HOME on the volume what is there already is not loaded again.',
    change: null,
  };
}
