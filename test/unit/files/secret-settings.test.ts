import assert from 'node:assert/strict';
import { scan } from '../../../src/core/files/scan.ts';
import { findSecrets } from '../../../src/core/files/secrets.ts';
import { writeTree } from '../../support/files.ts';
import { madeUpKeys } from '../../support/made-up-keys.ts';
import { useTempFolder } from '../../support/temp.ts';

const { token, hex } = madeUpKeys(31);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
// Cut, so that this file is none of those that are refused.
const chosen = ['Tr0ub4', 'dor&Zaun'].join('');
const uuid = '3f8a1c52-90b4-4e7d-8c21-6a5f0e9d7b34';

describe('passwords that the words beside them tell (R9.6)', () => {
  const folder = useTempFolder();

  /** Path and line of each finding. */
  const find = async (files: Record<string, string>): Promise<string[]> => {
    await writeTree(folder.path, files);
    const { files: scanned } = await scan(folder.path, { must: ['**'], data: [], optional: [], never: [] });
    const { findings } = await findSecrets(scanned);
    return [...new Set(findings.map(({ path, line }) => `${path}:${line}`))];
  };
  const each = async (files: Record<string, [text: string, line: number]>): Promise<void> => {
    const found = await find(Object.fromEntries(Object.entries(files).map(([name, [text]]) => [name, text])));
    assert.deepEqual(
      found.toSorted(),
      Object.entries(files)
        .map(([name, [, line]]) => `${name}:${line}`)
        .toSorted(),
    );
  };
  /** A text in a cell and one in an output, each line an entry. */
  const notebook = (text: string): string => {
    const lines = text.split(/(?<=\n)/);
    return JSON.stringify({ cells: [{ cell_type: 'code', source: lines, outputs: [] }], nbformat: 4 }, null, 1);
  };

  it('are found on lines of their own in files of settings', async () => {
    await each({
      'db.ini': [`[db]\nhost = db.intern\nuser = app\npassword = ${chosen}\n`, 4],
      'db.yaml': [`db:\n  host: db.intern\n  user: app\n  password: ${chosen}\n`, 4],
      'quoted.yml': [`db:\n  password: '${token(12)}'  # of the team\n`, 2],
      'db.toml': [`[db]\nhost = "db.intern"\nuser = "app"\npassword = "${chosen}"\n`, 4],
      'client.cnf': [`[client]\nuser=app\npassword=${token(12)}\n`, 3],
      'extra-pip.conf': [`[global]\nindex-url = https://me:${token(12)}@pypi.intern/simple\n`, 2],
      'application.properties': [`spring.datasource.password=${token(12)}\n`, 1],
      'settings.cfg': [`[mail]\nsmtp_pass: ${token(10)}\r\nx = 1\r\n`, 2],
      'conf/db.conf': [`DB_USER=app\nDB_PASSWD=${token(9)}\n`, 2],
      'terraform.tfvars': [`db_password = "${chosen}"\n`, 1],
      'docker-compose.yml': [`services:\n  db:\n    environment:\n      - POSTGRES_PASSWORD=${token(12)}\n`, 4],
      'k8s.yaml': [`env:\n  - name: DB_PASSWORD\n    value: ${token(12)}\n`, 3],
      Dockerfile: [`FROM python\nENV DB_PASSWORD=${token(12)}\n`, 2],
      'Dockerfile.gpu': [`FROM python\nENV DB_PASSWORD ${token(12)}\n`, 2],
      'start.sh': [`#!/bin/sh\nexport DB_PASSWORD='${chosen}'\n`, 2],
      'start.bat': [`@echo off\r\nset DB_PASSWORD=${token(12)}\r\n`, 2],
      'start.ps1': [`$env:DB_PASSWORD = "${chosen}"\n`, 1],
      'config.json': [`{\n "host": "db.intern",\n "dbPassword": "${chosen}"\n}\n`, 3],
      'service.yaml': [`api:\n  token: ${token(32)}\n`, 2],
      'service.toml': [`[api]\nsecret = "${token(32)}"\n`, 2],
      'generated.ini': [`[db]\npassword = ${hex(32)}\n`, 2],
      'pgpass.txt': [`db.intern:5432:app:app:${token(12)}\n`, 1],
      'notes.txt': [`host: db.intern\nuser: app\npassword: ${token(12)}\n`, 3],
      'dockercfg.json': [`{"https://index.docker.io/v1/": {"auth": "${base64(`me:${token(12)}`)}", "email": "a"}}`, 1],
    });
  });

  it('are found in code and cells, quoted or set for a shell', async () => {
    await each({
      'a.py': [`import x\nconn = connect(host="db.intern", user="app", password="${chosen}")\n`, 2],
      'b.py': [`DB_PASSWORD = '${token(12)}'\n`, 1],
      'c.py': [`os.environ["DB_PASSWORD"] = "${token(12)}"\n`, 1],
      'd.py': [`r = requests.get(url, auth=("app", "${chosen}"))\n`, 1],
      'e.py': [`os.environ.setdefault("PGPASSWORD", "${token(12)}")\n`, 1],
      'f.js': [`const db = {user: 'app', password: '${chosen}'};\n`, 1],
      'g.R': [`Sys.setenv(DB_PASSWORD = "${token(12)}")\n`, 1],
    });
    for (const text of [
      `x = 1\n%env DB_PASSWORD=${token(12)}\n`,
      `x = 1\n!export DB_PASSWORD=${token(12)}\n`,
      `x = 1\nos.environ["DB_PASSWORD"] = "${chosen}"\n`,
      `%%writefile db.ini\n[db]\nhost = db.intern\npassword = ${token(12)}\n`,
    ]) {
      const found = await find({ 'cell.ipynb': notebook(text) });
      assert.equal(found.filter((place) => place.startsWith('cell.')).length, 1, text);
    }
  });

  it('are found in commands', async () => {
    const [me, word] = [`a.person`, token(12)];
    for (const command of [
      `curl -u ${me}:${word} https://host/x`,
      `curl -sS -u '${me}:${chosen}' https://host/x`,
      `curl --user ${me}:${word} https://host/x`,
      `curl --user=${me}:${word} https://host/x`,
      `curl -u${me}:${word} https://host/x`,
      `curl --proxy-user ${me}:${word} https://host/x`,
      `docker login -u ${me} -p ${word} registry.intern`,
      `docker login registry.intern --username ${me} --password ${word}`,
      `podman login -u ${me} -p=${word} registry.intern`,
      `echo ${word} | docker login -u ${me} --password-stdin`,
      `sshpass -p ${word} ssh host`,
      `sshpass -p'${chosen}' ssh host`,
      `mysql -u root -p${word} db`,
      `mysqldump -h db -u${me} -p'${chosen}' db`,
      `mysql --user=root --password=${word} db`,
      `PGPASSWORD=${word} psql -h db`,
      `PGPASSWORD='${chosen}' pg_dump db`,
      `MYSQL_PWD=${word} mysql db`,
      `SSHPASS=${word} sshpass -e ssh host`,
      `wget --user=${me} --password=${word} https://host/x`,
      `wget --http-password '${chosen}' https://host/x`,
      `huggingface-cli login --token ${token(20)}`,
      `hf auth login --token ${token(20)}`,
      `python train.py --hub-token ${token(30)}`,
      `train --api-key=${token(30)}`,
      `redis-cli -h cache -a ${word} ping`,
      `mongosh -u ${me} -p ${word} db`,
      `twine upload -u ${me} -p ${word} dist/*`,
      `smbclient //host/x -U ${me}%${word}`,
      `echo ${word} | sudo -S apt install x`,
      `7z x -p${word} data.7z`,
      `unzip -P ${word} data.zip`,
      `curl -H "Authorization: Basic ${base64(`${me}:${word}`)}" https://host/x`,
      `curl -H "X-API-Key: ${token(32)}" https://host/x`,
      `curl -H "PRIVATE-TOKEN: ${token(24)}" https://host/x`,
    ]) {
      assert.deepEqual(await find({ 'job.sh': `set -e\n${command}\n` }), ['job.sh:2'], command);
      assert.equal((await find({ 'job.sh': '', 'cell.ipynb': notebook(`x = 1\n!${command}\n`) })).length, 1, command);
      await writeTree(folder.path, { 'cell.ipynb': '' });
      const list = command.split(' ').map((part) => JSON.stringify(part.replaceAll("'", '')));
      if (!/["|']|^[A-Z]+=/.test(command)) {
        const called = `import subprocess\nsubprocess.run([${list.join(', ')}])\n`;
        assert.deepEqual(await find({ 'call.py': called }), ['call.py:2'], called);
        await writeTree(folder.path, { 'call.py': '' });
      }
    }
  });

  it('are not seen in what only looks like one', async () => {
    const code = [
      'password = getpass.getpass()',
      'password = os.environ["DB_PASSWORD"]',
      'password = os.getenv("DB_PASSWORD_2024")',
      'password = settings.db_password1',
      'password=cfg.password2,',
      'password: Optional[str] = None',
      'def connect(host: str, password: str = "") -> None:',
      'self.password = password2',
      'hashed_password = "5f4dcc3b5aa765d61d8327deb882cf99"',
      'password_hash = "$2b$12$KIXQ4wqkX1pQ5J8r0oYk9uJ1mZ7yq3vT5nG2b8d4c6e0f1a2b3c4d"',
      'password = "$2b$12$KIXQ4wqkX1pQ5J8r0oYk9uJ1mZ7yq3vT5nG2b8d4c6e0f1a2b3c4d"',
      'password = "pbkdf2_sha256$260000$abc1$DEF2ghi3="',
      `{"user": "a", "password": "${hex(32)}"}`,
      `{"user": "a", "password": "${hex(64)}"}`,
      'client.login(username="alice", password="testpass123")',
      'User.objects.create_user("bob", password="foobar")',
      'password="secret"',
      'password="hunter2"',
      'password="P@ssw0rd"',
      'password="Test1234!"',
      'password="password123!"',
      'password="StrongPassword123!"',
      'password="admin123"',
      'password="qwerty123"',
      'password="wrongpassword1"',
      'password="MyP@ssw0rd123"',
      'password="<your password>"',
      'password="your_password_1"',
      'password="changeme1"',
      'password="{{ vault_db_password1 }}"',
      'password="${DB_PASSWORD}"',
      'password="%(db_password1)s"',
      'f"password={password1}"',
      'auth=("user", "pass")',
      'auth=("alice", "secret123")',
      'auth=(USER, PASSWORD1)',
      'parser.add_argument("--password", help="for the database, at least 8 signs")',
      'parser.add_argument("--token", "-t", default=None)',
      'parser.add_argument("--hub-token", type=str, default=os.environ.get("HF_TOKEN1"))',
      'tokenizer.pad_token = "<|finetune_right_pad_id|>"',
      'pad_token = "[PAD0]"; eos_token="</s1>"; mask_token = "<mask_1>"',
      '{"next_page_token": "CAEQAAoBMRIFMTIzNDUaBAgBEAEiAggB"}',
      `{"token": "${uuid}", "client_secret": "${uuid}"}`,
      'secret = secrets.token_urlsafe(32)',
      '<input type="password" name="password1" id="id_password1">',
      'driver.find_element(By.ID, "password1").send_keys("x")',
      '"password": "Contraseña", "passwd": "Mot de passe"',
      '"pass": "Seite hat 1 Überschrift", "pass": "ドキュメントに1つのmain"',
      'resetPassword: "/auth/reset-password/v2"',
      'password_pattern = r"^(?=.*[a-z])(?=.*\\d)[a-zA-Z\\d]{8,}$"',
      'print("password: 8 to 64 signs")',
      '"mysql -p" asks; mysql -pPASSWORD or mysql -p$PASSWORD or mysql -p"$DB_PW2"',
      'mkdir -p build2/x; cp -p a1b2c3 d; mysql -p db2024x',
      'docker run -p 8080:80 -u 1000:1000 image; docker login -u me -p $TOKEN2',
      'docker login -u me --password-stdin < token2.txt',
      'curl -u user:password https://host; curl -u "$USER:$PASS1" https://host; curl -u :token1 x',
      'curl -u username:api_token https://host; curl -u ${USER}:${PASS} x; curl -u <user>:<pass1> x',
      'curl -o a1:b2 https://host; sudo -u app1:grp2 x; chown -R app1:grp2 x',
      'sshpass -p "$PASS1" ssh host; sshpass -f file2 ssh host; sshpass -e ssh host',
      'PGPASSWORD=$DB_PASSWORD psql; PGPASSWORD="${PW2}" psql; PGPASSWORD=postgres psql; PGPASSWORD=secret psql',
      'wget --password=$PASS1 x; wget --user=a --password=changeme x; wget --password="${X2}" x',
      'huggingface-cli login --token $HF_TOKEN; huggingface-cli login --token ${HF_TOKEN}',
      'huggingface-cli login --token <your-token>; hf auth login --token YOUR_TOKEN; hf auth login --token hf_xxx',
      'huggingface-cli login --token hf_...; huggingface-cli login --token "$(cat token2)"',
      'train --max-new-tokens 4096 --token-limit 8192 --eos-token "<|im_end|>"',
      '7z x -p data7.7z; echo hello2you | sudo tee /etc/x',
      'echo "deb [signed-by=/x] https://y1" | sudo tee; echo $PW | sudo -S x',
      'redis-cli -h cache1 ping; mongosh -p; twine upload dist1/*',
      'Authorization: Basic dXNlcjpwYXNzd29yZA==',
      `Authorization: Basic ${base64('$USER:$PASSWORD')}`,
      'X-API-Key: YOUR_API_KEY_GOES_HERE_2',
      'X-Amz-Security-Token: $TOKEN',
    ];
    const settings = [
      'host = db.intern\npassword =\n',
      'password = ${DB_PASSWORD}\nother_password = $DB_PASSWORD2\n',
      'password: changeme\n',
      "password: \"{{ lookup('env', 'DB_PASSWORD1') }}\"\n",
      'password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n',
      'password: *db_password1\nother: &db_password1\n',
      'password: postgres\nuser: postgres\n',
      'password: <password>\n',
      'password_file: /run/secrets/db2\npasswordSecretName: db-credentials-2\n',
      'POSTGRES_PASSWORD_FILE=/run/secrets/db-1\n',
      'password = os.environ["A1"]\n',
      '- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db-2\n      key: password-2\n',
      'secretName: model-registry-pull-2\n',
      'max_tokens: 4096\npad_token: "<|pad_0|>"\ntoken_budget: 1e6\n',
      'token: ${HF_TOKEN}\nsecret: true\nkey: value\n',
      `revision: ${hex(40)}\nsha256: ${hex(64)}\nid: ${uuid}\n`,
      `model_hash = ${hex(32)}\n`,
      `token: ${uuid}\n`,
      `commit_token_sha: ${hex(40)}\n`,
      'bypass = lane7b\ncompass: n0rth\n',
      'password_min_length = 12\npassword-policy: strict1\n',
      'a:b:c\n12:30:45:67:89:ab\n00:1a:2b:3c:4d:5e\n2024:10:app:app:x1\n',
      '*:*:*:app:password\nlocalhost:5432:db:user:$PASSWORD1\nhost:5432:database:username:password\n',
      'ENV DB_PASSWORD=\nARG DB_PASSWORD\nENV PASSWORD=${DB_PASSWORD}\n',
      'export DB_PASSWORD="$(cat /run/secrets/db1)"\nexport DB_PASSWORD=`cat db1`\nread -s PASSWORD\n',
      'set DB_PASSWORD=%DB_PASSWORD1%\n',
    ];
    const shown = `password: ${chosen}\nDB_PASSWORD=${chosen}\nx = connect(password="${chosen}")\n`;
    assert(code.length + settings.length >= 90);
    const files = Object.fromEntries([
      ...code.flatMap((text, k) => [
        [`code/${k}.py`, `${text}\n`],
        [`code/${k}.sh`, `${text}\n`],
        [`code/${k}.md`, `${text}\n`],
        [`code/${k}.ipynb`, notebook(`${text}\n`)],
      ]),
      ...settings.flatMap((text, k) => [
        [`settings/${k}.yaml`, text],
        [`settings/${k}.ini`, text],
        [`settings/${k}/Dockerfile`, text],
      ]),
      // Shows how such a file looks.
      ['config.example.yaml', shown],
      ['db.ini.sample', shown],
      ['settings.template.toml', shown],
      ['values.yaml.dist', shown],
      // Of tests.
      ['tests/test_login.py', `login("me", password="${chosen}")\n`],
      ['src/login.test.ts', `login({user: 'me', password: '${chosen}'});\n`],
      ['tests/fixtures/users.json', `[{"user": "me", "password": "${chosen}"}]\n`],
      ['conftest.py', `PASSWORD = "${chosen}"\n`],
    ] as [string, string][]);
    const found = await find(files);
    assert.deepEqual(
      found.map((place) => `${place} ${JSON.stringify(files[place.replace(/:\w+$/, '')])}`),
      [],
    );
  });

  it('are not slowed down by long lines of such words', async () => {
    for (const word of ['password', 'token=', 'curl -u ', '--password ', 'auth=(', 'mysql -p', 'name: PASSWORD\n']) {
      await writeTree(folder.path, { 'long.yaml': word.repeat(Math.ceil((1024 * 1024) / word.length)) });
      const begun = performance.now();
      await find({});
      assert(performance.now() - begun < 5000, `${word} took ${performance.now() - begun} ms`);
    }
  });
});
