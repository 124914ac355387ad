import assert from 'node:assert/strict';
import { symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { scan } from '../../../src/core/files/scan.ts';
import { secretsIn } from '../../../src/core/files/secret-search.ts';
import { findSecrets, type SecretFinding } from '../../../src/core/files/secrets.ts';
import { writeTree } from '../../support/files.ts';
import { madeUpKeys } from '../../support/made-up-keys.ts';
import { useTempFolder } from '../../support/temp.ts';

const { token, hex, base32 } = madeUpKeys(7);

describe('search for secrets before an upload (R9.6)', () => {
  const folder = useTempFolder();
  const root = (): string => folder.path;

  const find = async (allow: string[] = []): Promise<SecretFinding[]> => {
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    return (await findSecrets(files, { allow })).findings;
  };

  it('never tells the value', async () => {
    const value = `hf_${token(34)}`;
    await writeTree(root(), { 'a.py': `x\ntoken = "${value}"\n` });
    const found = await find();
    assert.deepEqual(found, [{ path: 'a.py', line: 2, kind: 'Hugging Face token' }]);
    assert(!JSON.stringify(found).includes(value));
  });

  it('reads text of any length and encoding, and says how much is no text', async () => {
    const key = `rpa_${token(44)}`;
    const wide = Buffer.from(`first\nzweite ü\n${key}\n`, 'utf16le');
    await writeTree(root(), {
      'binary.bin': Buffer.concat([Buffer.from([0, 1]), Buffer.from(key)]),
      'table.parquet': Buffer.concat([Buffer.from('PAR1\x15\x04\x15'), Buffer.from(key)]),
      'picture.png': Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from(key)]),
      'sound.mp3': Buffer.concat([Buffer.from('ID3\x04\0'), Buffer.from(key)]),
      'w.safetensors': Buffer.concat([Buffer.from('4002000000000000', 'hex'), Buffer.from(`{"a": "${key}"}`)]),
      'all.tar.gz': Buffer.from('1f8b0800000000000003edd1', 'hex'),
      'large.txt': `${'x'.repeat(3 * 1024 * 1024)}\n${key}\n${'x'.repeat(1024 * 1024)}`,
      'starts-like-a-table.txt': `PAR1 is how it begins, ${key}`,
      'with-some-controls.log': `${'progress \u0001 bar\n'.repeat(3)}${'plain text\n'.repeat(100)}${key}`,
      'bom8.txt': `\uFEFF${key}`,
      'bom16le.txt': Buffer.concat([Buffer.from([0xff, 0xfe]), wide]),
      'bom16be.txt': Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(wide).swap16()]),
      '16le.txt': wide,
      '16be.txt': Buffer.from(wide).swap16(),
      'empty.txt': '',
    });
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    const { findings, unsearched } = await findSecrets(files);
    assert.deepEqual(
      findings.map((finding) => `${finding.path}:${finding.line}`),
      [
        '16be.txt:3',
        '16le.txt:3',
        'binary.bin:null',
        'bom16be.txt:3',
        'bom16le.txt:3',
        'bom8.txt:1',
        'large.txt:2',
        'starts-like-a-table.txt:1',
        'with-some-controls.log:104',
      ],
    );
    const data = files.filter((file) => /\.(?:parquet|png|mp3|safetensors|gz)$/.test(file.path));
    assert.deepEqual(unsearched, { files: 5, bytes: data.reduce((sum, file) => sum + file.size, 0) });
  });

  it('takes for data what begins as a known kind of data does, and searches anything else', async () => {
    const key = `hf_${token(34)}`;
    const line = `token = ${key}\n`;
    const chinese = `# 训练脚本的密钥：请勿上传\n密钥是${key}，不要告诉别人\n`.repeat(3);
    const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
    await writeTree(root(), {
      'chinese.txt': utf16(chinese),
      'chinese-be.txt': utf16(chinese).swap16(),
      'russian.txt': utf16(`Ключ: ${key}\n`.repeat(3)),
      'odd.txt': Buffer.concat([Buffer.from('#'), utf16(`密钥 ${line}`)]),
      'stray.py': `import os\n\0\n${line}`,
      '.env': `A=1\0\nHF_TOKEN=${key}\n`,
      'within.py': `token = "${key.slice(0, 20)}\0${key.slice(20)}"\n`,
      'late.log': Buffer.concat([Buffer.from('plain text\n'.repeat(2000)), utf16(line)]),
      'zeros-first.bin': Buffer.concat([Buffer.alloc(100_000), Buffer.from(line)]),
      'object.pickle': Buffer.concat([
        Buffer.from('\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x29', 'latin1'),
        Buffer.from(key),
        Buffer.from('\x94.'),
      ]),
      'bell.txt': `\x07\x07\x07\x01${line}`,
      'RIFF.md': `RIFF and GIF89a, ID3, BZh9, %PDF-1.7 begin files\0 ${line}`,
      'GIF8.md': `GIF8 is how it begins\0 ${line}`,
      'clean.bin': Buffer.from(Array.from({ length: 200_000 }, (_, k) => (k * 7919 + (k >> 3) * 31) & 0xff)),
    });
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    const { findings, unsearched } = await findSecrets(files);
    const found = findings.filter(({ kind }) => kind === 'Hugging Face token');
    assert.deepEqual(
      [...new Set(found.map((finding) => finding.path))].toSorted(),
      files
        .map((file) => file.path)
        .filter((name) => name !== 'clean.bin')
        .toSorted(),
    );
    assert.deepEqual(unsearched, { files: 0, bytes: 0 });
    const lines = Object.fromEntries(found.map((finding) => [finding.path, finding.line]));
    assert.deepEqual([lines['chinese.txt'], lines['chinese-be.txt'], lines['stray.py']], [6, 6, 3]);
    assert.equal(found.filter((finding) => finding.path === 'chinese.txt').length, 3);
  });

  it('finds what lies across the border of two pieces, wherever it is cut, once and with its line', async () => {
    const key = `hf_${token(34)}`;
    const mebibyte = 1024 * 1024;
    for (const before of [1, 3, 20, 36, 37, 38]) {
      const line = 'some words of a log\n';
      const text = line.repeat(Math.ceil((2 * mebibyte) / line.length)).slice(0, 2 * mebibyte - before - 1);
      const lines = text.split('\n').length;
      await writeTree(root(), { 'log.txt': `${text} ${key} and ${'more\n'.repeat(300_000)}` });
      assert.deepEqual(await find(), [{ path: 'log.txt', line: lines, kind: 'Hugging Face token' }], `${before}`);
    }
    const wide = Buffer.from(`${'words\n'.repeat(100_000)}${key} and more`.padStart(mebibyte / 2 + 20, ' '), 'utf16le');
    await writeTree(root(), { 'log.txt': wide });
    assert.equal((await find()).length, 1);
  });

  it('finds nothing in a word that is only cut by a border', async () => {
    const before = 1024 * 1024 - 16 * 1024;
    const text = `${'x'.repeat(before - 40)}${token(40)}hf_${token(34)} ${'more '.repeat(500_000)}`;
    await writeTree(root(), { 'log.txt': text });
    assert.deepEqual(await find(), []);
  });

  it('tells how far it is in a long text, lets others run and can be cancelled', async () => {
    await writeTree(root(), { 'log.txt': 'epoch 3 step 100 loss 0.25 https://host/x wandb secret\n'.repeat(300_000) });
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    const seen: number[] = [];
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await findSecrets(files, { onProgress: (bytes, total) => seen.push(bytes / total) });
    clearInterval(timer);
    assert(seen.length > 10 && turns > 5 && seen.at(-1) === 1);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    const abort = new AbortController();
    const search = findSecrets(files, { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(search, { name: 'CancelledError' });
  });

  it('finds a token in a notebook with large figures, in a cell and in an output', async () => {
    const key = `hf_${token(34)}`;
    const figure = { output_type: 'display_data', data: { 'image/png': 'iVBORw0KGgo'.repeat(150_000) }, metadata: {} };
    const cell = (source: string[], outputs: unknown[]) => ({ cell_type: 'code', source, outputs, metadata: {} });
    const notebook = (cells: unknown[]) =>
      JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, null, 1);
    const stream = { output_type: 'stream', name: 'stdout', text: ['Logged in\n', `token ${key}\n`] };
    await writeTree(root(), {
      'cell.ipynb': notebook([cell([`login("${key}")\n`], []), cell([], [figure])]),
      'output.ipynb': notebook([cell([], [figure]), cell([], [stream])]),
      'clean.ipynb': notebook([cell(['1 + 1'], [figure])]),
    });
    assert.deepEqual(
      (await find()).map(({ path: name }) => name),
      ['cell.ipynb', 'output.ipynb'],
    );
  });

  it('sees through the quotes in which cells of notebooks and texts in sources stand', async () => {
    const lines = (text: string) => text.split(/(?<=\n)/);
    const notebook = (text: string) =>
      JSON.stringify({ cells: [{ cell_type: 'code', source: lines(text) }], nbformat: 4 }, null, 1);
    const body = `MII${token(60)}`;
    const type = ['service', 'account'].join('_');
    const account = `{"type": "${type}",\n "private_key_id": "a",\n "private_key": "-----BEGIN PRIVATE KEY-----\\n${body}"}`;
    await writeTree(root(), {
      'a.ipynb': notebook(`key = \"\"\"-----BEGIN RSA PRIVATE KEY-----\n${body}\n\"\"\"`),
      'b.ipynb': notebook(`key = "-----BEGIN RSA PRIVATE KEY-----\\n${body}"`),
      'c.ipynb': notebook(`%%writefile sa.json\n${account}`),
      'd.ipynb': notebook(`os.environ["AWS_SECRET_ACCESS_KEY"] = "${token(38)}aB"`),
      'e.py': `os.environ["AWS_SECRET_ACCESS_KEY"] = "${token(38)}aB"\n`,
      'f.py': `KEY = (\n    "-----BEGIN PRIVATE KEY-----\\n"\n    "${body}\\n"\n)\n`,
      'clean.ipynb': notebook('print("-----BEGIN")\nx = ["a",\n "b"]'),
      'ci.yaml': 'container: "docker://python:3.11-slim@sha256:abc"\n',
    });
    assert.deepEqual(
      [...new Set((await find()).map(({ path: name }) => name))],
      ['a.ipynb', 'b.ipynb', 'c.ipynb', 'd.ipynb', 'e.py', 'f.py'],
    );
  });

  it('finds a token that stands over two entries of a notebook, with its line', async () => {
    const key = `hf_${token(34)}`;
    const [left, right] = [key.slice(0, 15), key.slice(15)];
    const write = (outputs: unknown[], source: string[] = []) =>
      JSON.stringify({ cells: [{ cell_type: 'code', source, outputs }], nbformat: 4 }, null, 1);
    const stream = (text: unknown, name = 'stdout') => ({ name, output_type: 'stream', text });
    const whole = (text: unknown) => ({ output_type: 'execute_result', data: { 'text/plain': text }, metadata: {} });
    const other = (text: unknown) => ({ text, output_type: 'stream', name: 'stdout' });
    const notebooks = {
      'chunks.ipynb': write([stream([`a\n`, `the token: ${left}`]), stream([`${right}\n`, 'b\n'])]),
      'texts.ipynb': write([stream(`the token: ${left}`), stream(`${right}\nb\n`)]),
      'order.ipynb': write([other([`the token: ${left}`]), other([`${right}\n`])]),
      'lines.ipynb': write([stream(['a\n', left, right])]),
      'result.ipynb': write([whole([`'${left}`, `${right}'`])]),
      'source.ipynb': write([], ['a = 1\n', `login("${left}`, `${right}")`]),
      'three.ipynb': write([stream([key.slice(0, 10)]), stream([key.slice(10, 20)]), stream([key.slice(20)])]),
      'one-line.ipynb': JSON.stringify(JSON.parse(write([stream([left]), stream([right])]))),
      // Another line, another name: no one put these together.
      'a.ipynb': write([stream([`${left}\n`]), stream([`${right}\n`])]),
      'b.ipynb': write([stream([`${left}\n`, `${right}\n`])]),
    };
    await writeTree(root(), notebooks);
    const found = await find();
    const lines = Object.entries(notebooks)
      .filter(([name]) => !/^[ab]\./.test(name))
      .map(([path, text]) => ({
        path,
        line: text.split('\n').findIndex((line) => line.includes(key.slice(0, 10))) + 1,
        kind: 'Hugging Face token',
      }));
    assert.deepEqual(
      found,
      lines.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    );
  });

  it('finds a token that touches other signs and letters, and none in what is random throughout', async () => {
    const keys = [`hf_${token(34)}`, `ghp_${token(36)}`, `rpa_${token(44)}`, `AKIA${base32(16)}`, `r8_${token(37)}`];
    const around = [
      ['_', ''],
      ['', '_'],
      ['token_', '_old'],
      ['-', '-'],
      ['my-', '-copy'],
      ["'", "'"],
      ['`', '`'],
      ['b"', '"'],
      ['x', ''],
      ['mytoken', ''],
      ['', 'and so on'],
      ['é', 'é'],
      ['=', '&'],
      ['%3D', '%26'],
    ] as const;
    for (const [k, [before, after]] of around.entries()) {
      const files = Object.fromEntries(keys.map((key, i) => [`${k}-${i}.txt`, `a\n${before}${key}${after}\n`]));
      await writeTree(root(), files);
      const found = (await find()).filter(({ path: name }) => name.startsWith(`${k}-`));
      assert.deepEqual(
        found.map(({ path: name, line }) => `${name}:${line}`),
        Object.keys(files).map((name) => `${name}:2`),
        `${before}…${after}`,
      );
    }
    for (const text of [
      `https://x.org/?state=${token(50)}_hf_${token(34)}`,
      `eyJhbGciOi.${token(120)}-AKIA${base32(16)}${token(60)}`,
      `def test_hf_download_of_a_model_that_is_not_there_with_long_name(): pass`,
      'shf_thisIsTheNameOfAFunctionThatGoesOnAndOnAndOn2()',
      'class="task-sk-container-id-12-and-many-more-words-of-a-class"',
      `disk-${hex(32)} task-${hex(32)} risk-of-1-and-another-word-with-many-hyphens`,
    ]) {
      await writeTree(root(), { 'none.txt': text });
      assert.deepEqual(
        (await find()).filter(({ path: name }) => name === 'none.txt'),
        [],
        text,
      );
    }
  });

  it('obeys the allow list of the project file', async () => {
    await writeTree(root(), { 'test/keys.txt': `rpa_${token(44)}`, '.env': 'A=1', 'b.txt': `rpa_${token(44)}` });
    assert.deepEqual(
      (await find(['test/', '.env'])).map((finding) => finding.path),
      ['b.txt'],
    );
  });

  it('remembers unchanged files, and reads changed ones again', async () => {
    const cacheFile = path.join(folder.path, '.runpod-trainer', 'secrets.json');
    const old = new Date('2026-01-01T00:00:00Z');
    const files = async () => (await scan(root(), { must: ['**'], data: [], optional: [], never: [] })).files;
    const key = `rpa_${token(44)}`;
    await writeTree(root(), { 'a.txt': key });
    await utimes(path.join(root(), 'a.txt'), old, old);
    const first = await findSecrets(await files(), { cacheFile });
    assert.equal(first.findings.length, 1);
    // Same size and time: taken from memory.
    await writeTree(root(), { 'a.txt': 'x'.repeat(key.length) });
    await utimes(path.join(root(), 'a.txt'), old, old);
    assert.deepEqual(await findSecrets(await files(), { cacheFile }), first);
    await utimes(path.join(root(), 'a.txt'), old, new Date());
    assert.deepEqual((await findSecrets(await files(), { cacheFile })).findings, []);
  });

  it('passes over files that are gone or cannot be read', async () => {
    await symlink('nowhere', path.join(root(), 'gone'));
    const file = { path: 'gone', absolute: path.join(root(), 'gone'), size: 5, mtimeMs: 0, ino: 0 };
    assert.deepEqual((await findSecrets([file])).findings, []);
  });

  it('finds nothing in the examples of this repository', async () => {
    const examples = path.join(import.meta.dirname, '..', '..', '..', 'examples');
    const never = ['runpod-results/', 'staged_raw_material/', 'output/'];
    const { files } = await scan(examples, { must: ['**'], data: [], optional: [], never });
    assert(files.length > 20);
    assert.deepEqual((await findSecrets(files)).findings, []);
  });

  it('is not slowed down by long lines that look like the start of something', () => {
    const long = ['wandb '.repeat(150_000), 'sk-'.repeat(300_000), '"type": "service_account" '.repeat(40_000)];
    for (const text of [...long, `-----BEGIN PRIVATE KEY-----\n${'A-: a\n'.repeat(150_000)}`]) {
      const begun = performance.now();
      secretsIn(Buffer.from(text.slice(0, 1024 * 1024)));
      const took = performance.now() - begun;
      assert(took < 5000, `${text.slice(0, 20)} took ${took} ms`);
    }
  });
});
