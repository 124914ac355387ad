import { indexName } from './packages.ts';

export interface Requirement {
  /** As on the package index. */
  name: string;
  /** The version after `==`, when pinned. */
  pin: string | undefined;
  /** From 1. */
  line: number;
}

export interface Requirements {
  packages: Requirement[];
  /** Lines that pip would not accept, or that only work on this machine. */
  bad: { line: number; text: string; why: 'syntax' | 'local-path' }[];
  /** Files that `-r` names, relative to the folder of this one. */
  includes: { line: number; file: string }[];
  /** True when it installs something whose contents are not known here: a folder, an archive, a repository. */
  opaque: boolean;
}

const nameLine = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$/;
const versions =
  /^(?:\(?\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(?:,\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*)*\)?)?$/;

/** Reads a requirements file the way pip does, as far as names and plain mistakes go. */
export function readRequirements(text: string): Requirements {
  const result: Requirements = { packages: [], bad: [], includes: [], opaque: false };
  for (const { line, text: content } of logicalLines(text)) {
    readLine(content, line, result);
  }
  return result;
}

function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  let pending = '';
  let start = 1;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    start = pending === '' ? i + 1 : start;
    if (raw.endsWith('\\')) {
      pending += `${raw.slice(0, -1)} `;
      continue;
    }
    const content = `${pending}${raw}`.replace(/(^|\s)#.*$/, '').trim();
    pending = '';
    if (content !== '') {
      yield { line: start, text: content };
    }
  }
}

function readLine(text: string, line: number, result: Requirements): void {
  const include = /^(?:-r|--requirement)[\s=]+(.+)$/.exec(text);
  if (include?.[1] !== undefined) {
    result.includes.push({ line, file: include[1].trim() });
    return;
  }
  if (/^(?:-e|--editable)[\s=]/.test(text) || /^\.{0,2}\//.test(text) || text === '.') {
    const target = text.replace(/^(?:-e|--editable)[\s=]+/, '');
    result.opaque = true;
    if (target.startsWith('/') || target.startsWith('../')) {
      result.bad.push({ line, text, why: 'local-path' });
    }
    return;
  }
  if (text.startsWith('-')) {
    return;
  }
  if (/^[a-z+]+:\/\//i.test(text)) {
    result.opaque = true;
    if (text.startsWith('file:')) {
      result.bad.push({ line, text, why: 'local-path' });
    }
    return;
  }
  const requirement = text.replace(/\s--(?:hash|config-settings|global-option)[\s=].*$/, '');
  const [, name, rest = ''] = nameLine.exec(requirement) ?? [];
  const specifier = (rest.split(';')[0] ?? '').trim();
  if (name === undefined || !(specifier.startsWith('@') || versions.test(specifier))) {
    result.bad.push({ line, text, why: 'syntax' });
    return;
  }
  if (/@\s*file:/.test(specifier)) {
    result.bad.push({ line, text, why: 'local-path' });
  }
  result.packages.push({ name: indexName(name), pin: /^\(?\s*===?\s*([^\s,*]+)/.exec(specifier)?.[1], line });
}
