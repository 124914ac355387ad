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
      '.dockercfg': ['credentials file', `{"https://index.docker.io/v1/": {"auth": "${base64('a:b')}", "email": "a"}}`],
      'pgpass.conf': ['credentials file', 'db:5432:app:app:letmein\n'],
      'my.cnf': ['credentials file', '[client]\nuser=a\npassword=letmein\n'],
      'pip.conf': ['credentials file', '[global]\nindex-url = https://me:letmein@pypi.intern/simple\n'],
      '.databrickscfg': ['credentials file', '[DEFAULT]\ntoken = x\n'],
      '.cdsapirc': ['credentials file', 'url: https://x\nkey: 1:2\n'],
      'x/.cargo/credentials.toml': ['credentials file', '[registry]\ntoken = "x"\n'],
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

  it('are found by every name that environment files have', async () => {
    const names =
      `prod.env app.prod.env prod.env.bak docker.env env.sh env.local env.prod set_env.sh setenv.bat env_vars.ps1
      .Renviron .Renviron.local .flaskenv secrets.env secrets.yaml secrets.toml secrets.json secret.ini my-secrets.sh
      .secrets environment.sh environment env vars.env credentials credentials.json .envrc.local production.env.json
      local.settings.json appsettings.Production.json`.split(/\s+/);
    const file = (name: string, value: string): string =>
      name.endsWith('.json')
        ? `{"Values": {"PORT": "80", "DB_PASSWORD": "${value}"}}`
        : name.endsWith('.yaml')
          ? `port: 80\ndb_password: ${value}\n`
          : `PORT=80\nexport DB_PASSWORD=${value}\n`;
    const files = Object.fromEntries(names.map((name, k) => [`${k}/${name}`, file(name, 'letmein')]));
    assert.deepEqual(Object.keys(await find(files)).toSorted(), Object.keys(files).toSorted());
    // Nothing is filled in, or it says where the value is.
    for (const value of ['', '${DB_PASSWORD}', '<password>', 'changeme', 'your-password-here']) {
      assert.deepEqual(
        await find(Object.fromEntries(names.map((name, k) => [`${k}/${name}`, file(name, value)]))),
        {},
        value,
      );
    }
  });

  it('are settings like others where no name in them says that it is a secret', async () => {
    const found = await find({
      'train.env': 'BATCH_SIZE=32\nMODEL=llama\nMAX_TOKENS=4096\nOUTPUT_DIR=/workspace/out\n',
      'env.sh': '#!/bin/sh\nsource venv/bin/activate\nexport PYTHONPATH=src\nexport KEY_FILE=/run/secrets/key\n',
      'environment.yml': 'name: x\ndependencies:\n  - python=3.11\n  - pip:\n    - tokenizers==0.15\n',
      '.Renviron': 'R_LIBS_USER=~/R\n',
      'secrets.yaml': 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: db-secret\n',
      'secrets.py': 'TOKEN = "x"\n',
      'prod.env.example': 'DB_PASSWORD=letmein\n',
      'env.template.sh': 'DB_PASSWORD=letmein\n',
      'local.settings.json': '{"IsEncrypted": false, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}',
      'tokens.env': 'PAD_TOKEN_ID=0\nUSE_AUTH=true\nKEY=value\n',
      'environment.md': 'DB_PASSWORD=letmein\n',
    });
    assert.deepEqual(found, {});
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
      'my.cnf': '[mysqld]\nport=3306\n',
      'pip.conf': '[global]\nindex-url = https://pypi.org/simple\ntimeout = 60\n',
      'b/pip.conf': '[global]\nindex-url = https://${USER}:${PASSWORD}@pypi.intern/simple\n',
      '.dockercfg': '{}',
      'pgpass.conf': '# host:port:db:user:password\n',
      'a/.my.cnf': '[client]\nuser = me\nhost = db\n',
    });
    assert.deepEqual(found, {});
  });
});
