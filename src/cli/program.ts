import { Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { backupCommand, type BackupCommandOptions } from './backup.ts';
import { checkCommand, type CheckCommandOptions } from './check.ts';
import { costsCommand, type CostsOptions } from './costs.ts';
import type { GlobalOptions } from './context.ts';
import { doctorCommand, type DoctorOptions } from './doctor.ts';
import { exitCodes } from './exit.ts';
import { explainCommand, type ExplainOptions } from './explain.ts';
import { fetchCommand, type FetchCommandOptions } from './fetch.ts';
import { attachCommand, cancelCommand, jobsCommand, type JobOptions } from './jobs.ts';
import { moveCommand, type MoveCommandOptions } from './move.ts';
import { planCommand, type PlanCommandOptions } from './plan.ts';
import { verifyPlatformCommand, type VerifyCommandOptions } from './platform.ts';
import { removedCommand, type RemovedOptions } from './removed.ts';
import { radarCommand, type RadarOptions } from './radar.ts';
import { regionsCommand, type RegionsOptions } from './regions.ts';
import { runCommand, type RunCommandOptions } from './run.ts';
import { sandboxCommand, type SandboxOptions } from './sandbox.ts';
import { syncCommand, type SyncCommandOptions } from './sync.ts';

/** Sets the exit code by how a command ended, and says what went wrong. */
export type ExitWith = (code: Promise<number>, options: GlobalOptions & { json?: boolean }) => Promise<void>;

const withApi = (command: Command): Command =>
  command
    .option('--sandbox', 'use the local sandbox in place of RunPod')
    .option('--json', 'print one JSON object a line')
    .option('--verbose', 'tell each request to RunPod on standard error: its path, answer, time and id');

const withPlan = (command: Command): Command =>
  withApi(command)
    .option('--profile <name>', 'use a profile of the project file')
    .option('--route <route>', 'how the files reach the volume: s3, ssh or gateway (default: chosen, with its reason)')
    .option('--delete', 'delete on the volume what the project does not have any more and this program put there')
    .option('--all', 'show every path');

const goneText =
  'what is done about data on the volume that is not here any more; the answer is kept in the project file';
const adoptText = 'let this folder fill a project that another folder has filled on the volume';

/** Every command with its options; `exitWith` is told of the one that was called. */
export function makeProgram(exitWith: ExitWith): Command {
  const program = new Command('runpod-trainer')
    .description('Runs gated training pipelines on RunPod pods.')
    .version(packageJson.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(add --help for the options)')
    // 1 would say that a job failed.
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.badInput));

  withApi(program.command('run [file]'))
    .description('run a project file: local steps, pod, upload, gated steps, results, end of pod')
    .option('--profile <name>', 'use a profile of the project file')
    .option('--from <step>', 'run this step and all after it, even when unchanged')
    .option('--python <path>', 'Python that runs the local steps (default: RUNPOD_TRAINER_PYTHON or python3)')
    .option('--detach', 'return as soon as the job runs on its own')
    .option('--smoke', 'try every step on the pod for at most a minute, apart from the real results')
    .option('--adopt', adoptText)
    .addOption(new Option('--gone <answer>', goneText).choices(['remove', 'keep']))
    .option('--no-check', 'do not look for mistakes first')
    .option('-y, --yes', 'do not ask before local steps run and before anything is rented')
    .action((file: string | undefined, options: RunCommandOptions) => exitWith(runCommand(file, options), options));

  withPlan(program.command('plan [file]'))
    .description('show what a transfer would do: files, bytes, route, time; starts nothing and costs nothing')
    .action((file: string | undefined, options: PlanCommandOptions) => exitWith(planCommand(file, options), options));

  withPlan(program.command('sync [file]'))
    .description("bring the project's files to its volume, without a job")
    .option('--dry-run', 'only show the plan')
    .option('--replace', 'replace files that changed on both sides by those of this machine')
    .option('--adopt', adoptText)
    .option('-y, --yes', 'do not ask before anything is rented, created or deleted')
    .action((file: string | undefined, options: SyncCommandOptions) => exitWith(syncCommand(file, options), options));

  withApi(program.command('backup [file]'))
    .description('bring everything of a project on its volume home: data, results, logs; again: only what changed')
    .option('--profile <name>', 'use a profile of the project file')
    .option('--into <folder>', 'folder that gets it (default: runpod-backup/<project> beside the project file)')
    .option('--route <route>', 's3, ssh or gateway (default: the one that costs nothing)')
    .option('--only <pattern...>', "only these of the project's files, and its jobs")
    .option('-y, --yes', 'do not ask before a helper pod is rented')
    .action((file: string | undefined, options: BackupCommandOptions) =>
      exitWith(backupCommand(file, options), options),
    );

  withApi(program.command('move <volume>'))
    .description('copy everything of a volume to another data center or volume, verified; the source is kept')
    .requiredOption('--to <place>', 'a data center, or the name or id of a volume that exists')
    .option('--size <GB>', 'size of a volume that is created (default: that of the source)')
    .option('--way <way>', 'pod-to-pod, this-machine or s3 (default: chosen, with its reason)')
    .option('--replace', 'replace files that somebody else wrote on the target under the same names')
    .option('--dry-run', 'only show the plan')
    .option('-y, --yes', 'do not ask before pods are rented and a volume is created')
    .action((volume: string, options: MoveCommandOptions) => exitWith(moveCommand(volume, options), options));

  withApi(program.command('removed [file]'))
    .description('list what runs have set aside on the volume since it is not here any more, or bring it back')
    .option('--profile <name>', 'use a profile of the project file')
    .option('--restore [patterns...]', 'bring back what these patterns mean, or all; nothing here is written over')
    .action((file: string | undefined, options: RemovedOptions) => exitWith(removedCommand(file, options), options));

  withApi(program.command('check [file]'))
    .description('look for everything that would make a run fail or waste money, before anything is rented')
    .option('--profile <name>', 'use a profile of the project file')
    .option('--python <path>', 'Python that runs the local steps (default: RUNPOD_TRAINER_PYTHON or python3)')
    .action((file: string | undefined, options: CheckCommandOptions) => exitWith(checkCommand(file, options), options));

  withApi(program.command('attach [job]'))
    .description('show a job from its first line on and stay with it')
    .action((job: string | undefined, options: JobOptions) => exitWith(attachCommand(job, options), options));

  withApi(program.command('jobs'))
    .description('list the jobs and every pod that no job owns')
    .action((options: JobOptions) => exitWith(jobsCommand(options), options));

  withApi(program.command('costs'))
    .description('what the jobs have cost, what was billed, and how long the balance lasts')
    .option('--by <what>', 'day, project or job (default: day)')
    .option('--days <number>', 'how far back the bill is read (default: 30)')
    .action((options: CostsOptions) => exitWith(costsCommand(options), options));

  withApi(program.command('cancel [job]'))
    .description('stop a job, keep what it wrote, end its pod')
    .action((job: string | undefined, options: JobOptions) => exitWith(cancelCommand(job, options), options));

  withApi(program.command('fetch [job]'))
    .description('bring the results of a job home')
    .option('-y, --yes', 'do not ask before a helper pod is rented')
    .addOption(
      new Option('--keep <which>', 'of results that you edited, or a later job wrote over: do not ask').choices([
        'mine',
        'theirs',
        'both',
      ]),
    )
    .action((job: string | undefined, options: FetchCommandOptions) => exitWith(fetchCommand(job, options), options));

  withApi(program.command('regions [file]'))
    .description('rank the data centers for a project: volumes, S3, free GPUs, prices, own boot times; recommend one')
    .option('--all', 'also those where no volume can be created today')
    .option('--wait', 'look once a minute until one of the GPUs is free, then say so')
    .action((file: string | undefined, options: RegionsOptions) => exitWith(regionsCommand(file, options), options));

  withApi(program.command('radar'))
    .description('list what in the account costs money and which job owns it')
    .option('--stop <pod|endpoint>', 'end one pod or endpoint, by its name or id; says what that means and asks')
    .option('-y, --yes', 'do not ask')
    .action((options: RadarOptions) => exitWith(radarCommand(options), options));

  withApi(program.command('explain [job]'))
    .description('say why a job failed, what shows it, what to change, and how to go on')
    .action((job: string | undefined, options: ExplainOptions) => exitWith(explainCommand(job, options), options));

  withApi(program.command('doctor [pod|job]'))
    .description('check the way to a pod: key, port, SSH, files, GPU; each with its time and its remedy')
    .action((name: string | undefined, options: DoctorOptions) => exitWith(doctorCommand(name, options), options));

  withApi(program.command('verify-platform'))
    .description(
      'ask RunPod what its documents leave open, with one CPU pod of a few minutes (under $0.10, asked first)',
    )
    .option('--volume', 'use a new volume of 10 GB as well')
    .option('-y, --yes', 'do not ask before anything is rented')
    .action((options: VerifyCommandOptions) => exitWith(verifyPlatformCommand(options), options));

  program
    .command('sandbox')
    .description('run RunPod on this machine, for free')
    .option('--root <folder>', 'where its volumes lie')
    .option('--image-path <folder>', 'put first on PATH inside its pods, as an image would')
    .option('--port <number>', 'port to listen on')
    .action((options: SandboxOptions) => exitWith(sandboxCommand(options), {}));
  return program;
}
