import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  commands,
  contextKeys,
  jobPanelType,
  settings,
  settingsSection,
  views,
  walkthrough,
} from '../../src/features/ids.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(root, 'package.json'), 'utf8');

interface Contributed {
  commands: { command: string; title: string; category: string }[];
  views: Record<string, { id: string }[]>;
  viewsWelcome: { view: string; contents: string; when: string }[];
  menus: Record<string, { command: string; when?: string }[]>;
  configuration: { properties: Record<string, { scope: string; default: unknown }> };
  walkthroughs: {
    id: string;
    steps: {
      id: string;
      description: string;
      media: { markdown: string };
      when?: string;
      completionEvents: string[];
    }[];
  }[];
  jsonValidation: { url: string }[];
}
const manifest = JSON.parse(text) as {
  name: string;
  publisher: string;
  activationEvents: string[];
  contributes: Contributed;
  capabilities: { untrustedWorkspaces: { supported: string } };
};
const { contributes } = manifest;

const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('the manifest and the code agree (R9.2)', () => {
  it('on the commands', () => {
    assert.deepEqual(sorted(contributes.commands.map((c) => c.command)), sorted(Object.values(commands)));
  });

  it('on the views', () => {
    const declared = Object.values(contributes.views).flatMap((list) => list.map((v) => v.id));
    assert.deepEqual(sorted(declared), sorted(Object.values(views)));
  });

  it('on the settings', () => {
    const declared = Object.keys(contributes.configuration.properties);
    assert.deepEqual(sorted(declared), sorted(settings.map((name) => `${settingsSection}.${name}`)));
  });

  it('on the context keys', () => {
    const used = new Set<string>();
    for (const [, expression] of text.matchAll(/"(?:(?:when|enablement)": "|onContext:)([^"]*)"/g)) {
      for (const [key] of (expression ?? '').matchAll(/runpodTrainer\.\w+/g)) {
        used.add(key);
      }
    }
    const names = [...used].filter((key) => !(Object.values(views) as string[]).includes(key));
    assert.deepEqual(sorted(names), sorted(contextKeys));
  });

  it('on the tabs that the extension fills again after a reload', () => {
    const declared = manifest.activationEvents.flatMap((event) => /^onWebviewPanel:(.*)$/.exec(event)?.[1] ?? []);
    assert.deepEqual(declared, [jobPanelType]);
  });

  it('on the walkthrough', () => {
    const [tour] = contributes.walkthroughs;
    assert.equal(`${manifest.publisher}.${manifest.name}#${tour?.id}`, walkthrough);
    assert.equal(tour?.steps.filter((step) => step.when !== '!isWorkspaceTrusted').length, 5);
    // A command that was refused, or a dialog that was left, has done nothing.
    for (const { id, completionEvents } of contributes.walkthroughs.flatMap((one) => one.steps)) {
      assert.ok(completionEvents.length > 0 && completionEvents.every((event) => event.startsWith('onContext:')), id);
    }
  });
});

describe('the manifest (R9.2, R9.9)', () => {
  const ids: string[] = Object.values(commands);

  it('names only commands that exist in menus, welcome texts and the walkthrough', () => {
    const menus = Object.values(contributes.menus).flatMap((items) => items.map((item) => item.command));
    const links = [...text.matchAll(/command:(runpodTrainer\.\w+)/g)].map((m) => m[1] ?? '');
    const events = [...text.matchAll(/onCommand:(runpodTrainer\.\w+)/g)].map((m) => m[1] ?? '');
    assert.deepEqual(
      [...menus, ...links, ...events].filter((id) => !ids.includes(id)),
      [],
    );
  });

  it('gives every command the category and a title without the product name', () => {
    for (const { category, title } of contributes.commands) {
      assert.equal(category, 'RunPod');
      assert.doesNotMatch(title, /RunPod/);
      assert.match(title, /^[A-Z]/);
    }
  });

  it('has a welcome text with a button for every empty state of every list', () => {
    // The plan's view is there only while it has rows.
    for (const view of Object.values(views).filter((id) => id !== views.transferPlan)) {
      const texts = contributes.viewsWelcome.filter((w) => w.view === view);
      for (const state of ['empty', 'unreachable']) {
        assert.ok(
          texts.some((w) => w.when.includes(`State == ${state}`)),
          `${view} has no text for ${state}`,
        );
      }
    }
    for (const { contents } of contributes.viewsWelcome) {
      assert.match(contents, /^\[[^\]]+\]\(command:[\w.]+\)$/m);
    }
  });

  it('lets no workspace choose the API address, the interpreter, where files go or which secret goes to a pod', () => {
    for (const name of ['restUrl', 'python', 's3Endpoints', 'endKeySecret']) {
      assert.equal(contributes.configuration.properties[`${settingsSection}.${name}`]?.scope, 'machine');
    }
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
  });

  it('refers to files that exist', () => {
    const files = [
      ...contributes.walkthroughs.flatMap((w) => w.steps.map((s) => s.media.markdown)),
      ...contributes.jsonValidation.map((v) => v.url),
      ...[...text.matchAll(/"(media\/[^"]+)"/g)].map((m) => m[1] ?? ''),
    ];
    assert.deepEqual(
      files.filter((file) => !existsSync(join(root, file))),
      [],
    );
  });
});

describe('the source', () => {
  it('registers commands and sets context keys in one place each', () => {
    const raw: string[] = [];
    for (const file of [...sources(join(root, 'src/features')), join(root, 'src/extension.ts')]) {
      const code = readFileSync(file, 'utf8');
      if (/registerCommand\(|'setContext'/.test(code) && !/common\/(commands|context-keys)\.ts$/.test(file)) {
        raw.push(file);
      }
    }
    assert.deepEqual(raw, []);
  });

  it('imports zod as a namespace, so that bundles hold only what is used of it', () => {
    const others = sources(join(root, 'src')).filter((file) =>
      /^import \{[^}]*\bz\b[^}]*\} from 'zod'/m.test(readFileSync(file, 'utf8')),
    );
    assert.deepEqual(others, []);
  });

  it('keeps extension.ts under 120 lines', () => {
    assert.ok(readFileSync(join(root, 'src/extension.ts'), 'utf8').split('\n').length < 120);
  });

  it('leaves problems and completion of project files to one owner: the schema in the editor asks for nothing (R9.5)', () => {
    const schema: unknown = JSON.parse(readFileSync(join(root, 'schemas/runpod-project.editor.schema.json'), 'utf8'));
    assert.deepEqual(schema, { title: 'RunPod Trainer project', allowTrailingCommas: true, type: 'object' });
  });
});
