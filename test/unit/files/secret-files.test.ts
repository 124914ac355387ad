import assert from 'node:assert/strict';
import { scan } from '../../../src/core/files/scan.ts';
import { findSecrets } from '../../../src/core/files/secrets.ts';
import { writeTree } from '../../support/files.ts';
import { madeUpKeys } from '../../support/made-up-keys.ts';
import { useTempFolder } from '../../support/temp.ts';

const { token } = madeUpKeys(5);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('files that their name tells to hold secrets (R9.6)', () => {
  const folder = useTempFolder();

  const find = async (files: Record<string, string | Buffer>): Promise<Record<string, string>> => {
    await writeTree(folder.path, files);
    const { files: scanned } = await scan(folder.path, { must: ['**'], data: [], optional: [], never: [] });
    assert.equal(scanned.length, Object.keys(files).length);
    const { findings } = await findSecrets(scanned);
    return Object.fromEntries(findings.filter(({ line }) => line === null).map(({ path, kind }) => [path, kind]));
  };

  it('are found, whatever form the secret has', async () => {
    const secret: Record<string, [kind: string, text: string]> = {
      '.env': ['environment file', 'HF_TOKEN=x\n'],
      'a/.env': ['environment file', '# keys\nDEBUG=1\nDB_PASSWORD=letmein\n'],
      'b/.env': ['environment file', Buffer.from('\ufeffA_KEY=secret\r\n', 'utf16le').toString('latin1')],
      'c/.envrc': ['environment file', 'use nix\nexport TOKEN=abc\n'],
      'app/.env.production': ['environment file', 'A=1'],
      'app/.env.local': ['environment file', 'A=1'],
      id_ed25519: ['SSH key', 'x'],
      '.ssh/deploy': ['SSH key', 'x'],
      'passwords.kdbx': ['key store', 'x'],
      '.netrc': ['credentials file', 'machine a login b password c'],
      'n/.netrc': ['credentials file', 'machine a\n  login b\n  password c\n'],
      '.git-credentials': ['credentials file', 'https://a:b@github.com\n'],
      '.pgpass': ['credentials file', '*:*:*:app:letmein\n'],
      '.pypirc': ['credentials file', '[pypi]\nusername = me\npassword = letmein\n'],
      'home/.aws/credentials': ['credentials file', '[default]\naws_secret_access_key = x\n'],
      kubeconfig: ['credentials file', 'apiVersion: v1\nusers:\n- name: a\n  user:\n    token: x\n'],
      'kubeconfig.yaml': ['credentials file', 'apiVersion: v1\nusers:\n- user:\n    client-key-data: eA==\n'],
      'prod.kubeconfig': ['credentials file', 'x'],
      '.docker/config.json': ['credentials file', `{"auths": {"ghcr.io": {"auth": "${base64('a:b')}"}}}`],
      'kaggle.json': ['credentials file', '{"username": "me", "key": "0"}'],
      'x/.cache/huggingface/token': ['credentials file', 'x'],
      '.streamlit/secrets.toml': ['credentials file', 'db = "x"\n'],
    };
    const files = Object.entries(secret).map(([name, [, text]]) => [
      name,
      name === 'b/.env' ? Buffer.from(text, 'latin1') : text,
    ]);
    assert.deepEqual(
      await find(Object.fromEntries(files) as Record<string, string>),
      Object.fromEntries(Object.entries(secret).map(([name, [kind]]) => [name, kind])),
    );
  });

  it('are no more than files where nothing is filled in, and neither are their neighbors', async () => {
    const found = await find({
      // By name.
      '.env.example': 'HF_TOKEN=x',
      '.env.template': 'HF_TOKEN=x',
      '.env.sample': 'HF_TOKEN=x',
      '.env.dist': 'HF_TOKEN=x',
      '.env.schema': 'HF_TOKEN=string',
      '.env.vault': `DOTENV_VAULT_PRODUCTION="${base64(token(90))}"`,
      '.env.defaults': 'HF_TOKEN=x',
      '.env.local.example': 'HF_TOKEN=x',
      '.env.example.md': 'x',
      '.env-sample': 'HF_TOKEN=x',
      '.env.py': 'import os',
      env: 'x',
      'env.py': 'x',
      'environment.yml': 'x',
      '.environment': 'x',
      'id_ed25519.pub': 'x',
      'id_rsa.md': 'x',
      '.ssh/known_hosts': 'x',
      '.ssh/config': 'x',
      '.ssh/README.md': 'x',
      'credentials.py': 'x',
      'kubeconfig_loader.py': 'x',
      'kubeconfig.py': 'x',
      'kubeconfig.md': 'x',
      'kubeconfig.example': 'x',
      'kubeconfig-template.yaml': 'x',
      'test_kubeconfig.py': 'x',
      netrc: 'x',
      'netrc.py': 'x',
      'kaggle.json.example': '{}',
      'my-kaggle.json': '{}',
      'ca.pem': 'x',
      'a.key': 'x',
      token: 'x',
      'tokens.json': '{}',
      'keystore.py': 'x',
      // By what is in them.
      'empty/.env': '',
      'blank/.env': '\n\n',
      'comments/.env': '# HF_TOKEN=x\n',
      'unfilled/.env': 'HF_TOKEN=\nexport WANDB_API_KEY=""\n',
      'harmless/.env': 'PYTHONPATH=src\nLOG_LEVEL=debug\nCUDA_VISIBLE_DEVICES=0,1\nPORT=8080\n',
      'from-outside/.env': 'HF_TOKEN=${HF_TOKEN}\nOTHER=$OTHER\nKEY=<your key>\nTOKEN=changeme\n',
      'direnv/.envrc': 'layout python3\nsource_up\nPATH_add bin\n',
      'empty/.netrc': '',
      'no-password/.netrc': 'machine a login b\n',
      'empty/id_rsa': '',
      'empty/kaggle.json': '{"username": "", "key": ""}',
      'unfilled/kaggle.json': '{"username": "you", "key": "YOUR_KEY"}',
      'a/.docker/config.json': '{"auths": {}, "credsStore": "desktop"}',
      'b/.docker/config.json': '{"auths": {"ghcr.io": {}}, "currentContext": "default"}',
      'c/.docker/config.json': '{}',
      'a/.kube/config':
        'apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- name: a\n  user:\n    exec:\n      command: aws\n',
      'a/.pypirc': '[distutils]\nindex-servers = pypi\n\n[pypi]\nusername = __token__\n',
      'a/.aws/credentials': '[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\n',
      'a/.my.cnf': '[client]\nuser = me\nhost = db\n',
    });
    assert.deepEqual(found, {});
  });
});
