import { messageOf, UserError } from '../errors.ts';

/** Where an SSH server listens. */
export interface SshTarget {
  host: string;
  port: number;
  username: string;
}

/**
 * Stable codes of SSH failures. `ssh-refused`, `ssh-timeout` and `ssh-unreachable` are normal while a pod starts;
 * the others do not pass by waiting.
 */
export type SshErrorCode =
  | 'ssh-refused'
  | 'ssh-timeout'
  | 'ssh-unreachable'
  | 'ssh-auth'
  | 'ssh-host-key-changed'
  | 'ssh-host-key-unexpected'
  | 'ssh-lost'
  | 'ssh-exec'
  | 'ssh-shell'
  | 'ssh-forward'
  | 'ssh-sftp';

/** A failure of a connection, of a command's channel or of a file operation. */
export class SshError extends UserError {
  override readonly name = 'SshError';
  declare readonly code: SshErrorCode;
}

const address = (target: SshTarget): string => `${target.host}:${target.port}`;

export function refused(target: SshTarget, cause: unknown): SshError {
  return new SshError(
    'ssh-refused',
    {
      what: `No SSH server answers at ${address(target)}.`,
      why: `The connection was refused or closed before the SSH greeting (${messageOf(cause)}).`,
      next: 'A pod that has just started needs up to 90 seconds for this. If it stays so, its image does not start sshd or port 22/tcp is not exposed.',
    },
    { cause },
  );
}

export function timedOut(target: SshTarget, timeoutMs: number): SshError {
  return new SshError('ssh-timeout', {
    what: `SSH at ${address(target)} did not answer within ${Math.ceil(timeoutMs / 1000)} s.`,
    why: 'The pod may still be starting, or a firewall between here and there drops the connection.',
    next: 'Try again; if it stays so, look at the log of the pod and at whether this network allows outgoing connections to that port.',
  });
}

export function unreachable(target: SshTarget, cause: unknown): SshError {
  return new SshError(
    'ssh-unreachable',
    {
      what: `${address(target)} cannot be reached.`,
      why: messageOf(cause),
      next: 'Check that this machine is online and that the address of the pod is still current.',
    },
    { cause },
  );
}

export function authRefused(target: SshTarget): SshError {
  return new SshError('ssh-auth', {
    what: `The pod does not accept this installation's key (user ${target.username} at ${address(target)}).`,
    why: 'A pod takes the accepted keys from PUBLIC_KEY when it first starts; this pod was made without this key, by another installation or by hand.',
    next: 'End this pod and start one with RunPod Trainer, or add the public key of this installation to ~/.ssh/authorized_keys on the pod through the web terminal.',
  });
}

export function hostKeyChanged(target: SshTarget, expected: string, seen: string): SshError {
  return new SshError('ssh-host-key-changed', {
    what: `The host key of ${address(target)} changed while the pod was running: it was ${expected}, now it is ${seen}.`,
    why: 'A pod keeps its host key from start to stop, so another machine is answering in its place, by mistake or on purpose. Nothing was sent to it.',
    next: 'Do not continue over this network. Compare the fingerprint with the one in the boot log of the pod; if you cannot explain the change, end the pod and start a new one.',
  });
}

export function hostKeyUnexpected(target: SshTarget, trusted: readonly string[], seen: string): SshError {
  return new SshError('ssh-host-key-unexpected', {
    what: `${address(target)} shows the host key ${seen}, which is not one that the pod printed when it started (${trusted.join(', ')}).`,
    why: 'Another machine is answering in the place of the pod, or the address is that of an earlier start. Nothing was sent to it.',
    next: 'Refresh the state of the pod and try again; if it stays so, end the pod and start a new one.',
  });
}

export function lost(target: SshTarget, cause: unknown): SshError {
  return new SshError(
    'ssh-lost',
    {
      what: `The connection to ${address(target)} was lost.`,
      why: messageOf(cause),
      next: 'What runs detached on the pod goes on. Connect again to follow it.',
    },
    { cause },
  );
}

export function execFailed(target: SshTarget, cause: unknown): SshError {
  return new SshError(
    'ssh-exec',
    {
      what: `The pod at ${address(target)} did not start a command.`,
      why: messageOf(cause),
      next: 'Try again; if it stays so, too many sessions may be open on the pod.',
    },
    { cause },
  );
}

/** `code` is the exit code of the shell where it is known, `noise` what it printed. */
export function shellEnded(target: SshTarget, code: number | undefined, noise: string): SshError {
  const printed =
    noise.trim() === '' ? 'It printed nothing.' : `It printed: ${JSON.stringify(noise.trim().slice(-300))}.`;
  return new SshError('ssh-shell', {
    what: `The login shell of the pod at ${address(target)} ended before it began a command${code === undefined ? '' : ` (exit code ${code})`}.`,
    why: `A start file of the image (~/.bashrc, /etc/bash.bashrc, BASH_ENV) ends the shell, or puts another one in its place, also in sessions without a terminal. ${printed}`,
    next: 'Put this line at the beginning of that file in the image: case $- in *i*) ;; *) return ;; esac',
  });
}

/** A command began, by its other output, and nothing comes of this one. */
export function shellSilent(target: SshTarget): SshError {
  return new SshError('ssh-shell', {
    what: `The login shell of the pod at ${address(target)} sends what commands print elsewhere.`,
    why: 'A start file of the image (~/.bashrc, /etc/bash.bashrc, BASH_ENV) redirects its output, as "exec 1>/dev/null" does, also in sessions without a terminal.',
    next: 'Put this line at the beginning of that file in the image: case $- in *i*) ;; *) return ;; esac',
  });
}

export function sftpFailed(target: SshTarget, action: string, cause: unknown): SshError {
  return new SshError(
    'ssh-sftp',
    {
      what: `The pod at ${address(target)} could not ${action}.`,
      why: messageOf(cause),
      next: 'Check the path, its permissions and the free space of the volume.',
    },
    { cause },
  );
}

export function forwardFailed(target: SshTarget, port: number, cause: unknown): SshError {
  return new SshError(
    'ssh-forward',
    {
      what: `The pod at ${address(target)} did not open a connection to its own port ${port}.`,
      why: messageOf(cause),
      next: 'Check that something listens on that port, and that sshd of the image allows TCP forwarding (AllowTcpForwarding).',
    },
    { cause },
  );
}
