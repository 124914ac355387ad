import type { Remedy } from '../../remedy.ts';

/** How much a finding matters: an `error` makes the run fail or waste money, a `warning` may, an `info` is good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** A change to files, or a place to look at, that mends a finding; plain values. What both faces know is a {@link Remedy}. */
export interface Fix {
  title: string;
  command: 'create-file' | 'set-value' | 'grow-volume' | 'open-url';
  args: Record<string, unknown>;
}

/** Something that a check found. A value for every front end; the texts are for people. */
export interface Finding {
  /** Stable, for programs. */
  id: string;
  severity: Severity;
  what: string;
  why: string;
  next: string;
  /** Where the cause stands in the project file, as a path of keys and indexes. */
  at?: (string | number)[];
  fix?: Fix;
  /** Acts that help, the best first. */
  remedies?: readonly Remedy[];
}

/** `unknown`: nothing bad was seen, but a part could not be looked at. */
export type CheckStatus = 'ok' | Severity | 'unknown';

export interface CheckReport {
  id: string;
  title: string;
  status: CheckStatus;
  findings: Finding[];
  /** What could not be found out, as sentences. */
  unknown: string[];
  /** What was not looked at on purpose, as sentences. */
  passedOver?: string[];
  /** Until this check was through; checks run at once and share facts, so these do not add up. */
  ms: number;
}

export interface PreflightReport {
  /** All findings, errors first. */
  findings: Finding[];
  checks: CheckReport[];
  ms: number;
}

type Details = Omit<Finding, 'id' | 'severity'>;

/** What a check says, each thing once; what was said stays when a later fact of the same check cannot be had. */
export class Say {
  readonly findings: Finding[] = [];
  readonly #said = new Set<string>();
  readonly unknowns: string[] = [];
  readonly passedOver: string[] = [];

  error(id: string, details: Details): void {
    this.#add({ id, severity: 'error', ...details });
  }

  warning(id: string, details: Details): void {
    this.#add({ id, severity: 'warning', ...details });
  }

  info(id: string, details: Details): void {
    this.#add({ id, severity: 'info', ...details });
  }

  #add(finding: Finding): void {
    const key = JSON.stringify([finding.id, finding.severity, finding.what, finding.at]);
    if (!this.#said.has(key)) {
      this.#said.add(key);
      this.findings.push(finding);
    }
  }

  unknown(sentence: string): void {
    this.unknowns.push(sentence);
  }

  passOver(sentence: string): void {
    this.passedOver.push(sentence);
  }
}
