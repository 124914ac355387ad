import { parseArgs } from 'node:util';
import { startSandbox, type SandboxOptions } from './index.ts';

const usage = `Usage: node sandbox/main.ts --root DIR [options]
  --root DIR            where volumes, bills and pods are kept
  --image-path DIR      programs of the pods' image, for example a virtual environment's bin
  --isolation KIND      namespace (root only) or plain; default: namespace where it works
  --port N              port of the API; default: a free one
  --s3-port N           port of the S3 API; default: a free one
  --balance USD         balance of a new root (100)
  --follow-stdin        end when standard input closes
Prints one line of JSON with restUrl, key, s3Url and s3Keys when it is ready and runs until SIGINT or SIGTERM.
`;

function read(): { options: SandboxOptions; followStdin: boolean } {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      'image-path': { type: 'string' },
      isolation: { type: 'string' },
      port: { type: 'string' },
      's3-port': { type: 'string' },
      balance: { type: 'string' },
      'follow-stdin': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.root === undefined) throw new Error(usage);
  const { isolation, port, 's3-port': s3Port, balance } = values;
  if (isolation !== undefined && isolation !== 'namespace' && isolation !== 'plain') {
    throw new Error(`--isolation must be "namespace" or "plain", not "${isolation}"\n${usage}`);
  }
  const number = (name: string, text: string): number => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} must be a number, not "${text}"\n${usage}`);
    return Number(text);
  };
  const portOf = (name: string, text: string): number => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
      throw new Error(`--${name} must be a whole number from 0 to 65535, not "${text}"`);
    }
    return Number(text);
  };
  const options: SandboxOptions = {
    root: values.root,
    log: (line) => process.stderr.write(`${line}\n`),
    ...(values['image-path'] !== undefined && { imagePath: values['image-path'] }),
    ...(isolation !== undefined && { isolation }),
    ...(port !== undefined && { port: portOf('port', port) }),
    ...(s3Port !== undefined && { s3Port: portOf('s3-port', s3Port) }),
    ...(balance !== undefined && { balance: number('balance', balance) }),
  };
  return { options, followStdin: values['follow-stdin'] };
}

async function main(): Promise<void> {
  const { options, followStdin } = read();
  // A dead parent closes these pipes; pods are still ended in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const sandbox = await startSandbox(options);
  const end = (): void => {
    void sandbox.close().then(() => process.exit(0));
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('SIGHUP', end);
  if (followStdin) {
    process.stdin.on('end', end).on('close', end).on('error', end);
    process.stdin.resume();
  }
  const { restUrl, key, s3Url, s3Keys, root } = sandbox;
  process.stdout.write(`${JSON.stringify({ restUrl, key, s3Url, s3Keys, pid: process.pid, root })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
});
