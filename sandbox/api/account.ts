import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { notFound, Problem } from '../problem.ts';
import type { createSecret, updateSecret } from '../schemas.ts';
import { readJson, writeJson } from '../store.ts';

interface Secret {
  id: string;
  name: string;
  value: string;
  description: string;
  createdAt: string;
  valueLastUpdatedAt: string;
}

interface Saved {
  keys: string[];
  secrets: Secret[];
}

/** An id as the platform's look: lower-case letters and digits. */
export function newId(length = 14): string {
  return Array.from(randomBytes(length), (byte) => 'abcdefghijklmnopqrstuvwxyz0123456789'.charAt(byte % 36)).join('');
}

const view = ({ id, name, description, createdAt, valueLastUpdatedAt }: Secret): unknown => ({
  id,
  name,
  description,
  createdAt,
  valueLastUpdatedAt,
});

/** The account's SSH keys and secrets. A secret's value is never told, only put into pods at boot. */
export class Account {
  readonly #file: string;
  readonly #saved: Saved;

  constructor(file: string) {
    this.#file = file;
    this.#saved = (readJson(file) as Saved | undefined) ?? { keys: [], secrets: [] };
  }

  #save(): void {
    writeJson(this.#file, this.#saved);
  }

  get sshKeys(): string[] {
    return this.#saved.keys;
  }

  /** Replaces the whole set. */
  setSshKeys(keys: string[]): unknown {
    this.#saved.keys = keys;
    this.#save();
    return { keys };
  }

  /** Secrets whose name contains the text, whatever the case. */
  secrets(name: string | null): unknown {
    const text = (name ?? '').toLowerCase();
    return { secrets: this.#saved.secrets.filter((one) => one.name.toLowerCase().includes(text)).map(view) };
  }

  createSecret(body: z.infer<typeof createSecret>, now: string): unknown {
    if (this.#saved.secrets.some((one) => one.name === body.name)) {
      throw new Problem(409, `a secret named '${body.name}' already exists`);
    }
    const secret = { id: newId(), description: '', ...body, createdAt: now, valueLastUpdatedAt: now };
    this.#saved.secrets.push(secret);
    this.#save();
    return view(secret);
  }

  #find(id: string): Secret {
    const secret = this.#saved.secrets.find((one) => one.id === id);
    if (secret === undefined) throw notFound('secret');
    return secret;
  }

  secret(id: string): unknown {
    return view(this.#find(id));
  }

  updateSecret(id: string, body: z.infer<typeof updateSecret>, now: string): unknown {
    const secret = this.#find(id);
    if (body.description !== undefined) secret.description = body.description;
    if (body.value !== undefined) {
      secret.value = body.value;
      secret.valueLastUpdatedAt = now;
    }
    this.#save();
    return view(secret);
  }

  deleteSecret(id: string): void {
    this.#saved.secrets.splice(this.#saved.secrets.indexOf(this.#find(id)), 1);
    this.#save();
  }

  /** Puts values in the place of `{{ RUNPOD_SECRET_name }}`; an unknown name stays as text. */
  substitute(text: string): string {
    return text.replace(
      /\{\{\s*RUNPOD_SECRET_([A-Za-z0-9_.\-/]+)\s*\}\}/g,
      (whole, name: string) => this.#saved.secrets.find((one) => one.name === name)?.value ?? whole,
    );
  }
}
