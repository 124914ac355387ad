import type { Pod } from '../../runpod/schemas.ts';

/** The base64 part of a public key line: what makes two lines the same key, whatever their comments. */
function blobOf(line: string): string | undefined {
  return line.trim().split(/\s+/)[1];
}

/**
 * Why a pod does not let this installation's key in, or has no SSH server at all, as far as its settings tell.
 * `publicKey` is one line as in `authorized_keys`.
 */
export function keyRemedy(pod: Pod, publicKey: string): { why: string; remedy: string } {
  const given = pod.env.PUBLIC_KEY ?? '';
  const account =
    'SSH keys that are registered in the account make no difference: they count only for pods created with startSsh and without PUBLIC_KEY, and for the SSH proxy.';
  if (given.trim() === '') {
    return {
      why: 'The pod was created without PUBLIC_KEY, so its image started no SSH server or knows no key.',
      remedy: `Terminate it and create it with PUBLIC_KEY, as RunPod Trainer does; the variable is read at the first start only. ${account}`,
    };
  }
  if (given.includes('\r')) {
    return {
      why: 'PUBLIC_KEY of the pod has Windows line ends (CRLF), and with them SSH recognises no key.',
      remedy: `Create the pod again with the key on one line that ends in LF or in nothing. ${account}`,
    };
  }
  const ours = blobOf(publicKey);
  if (!given.split('\n').some((line) => blobOf(line) === ours)) {
    return {
      why: 'PUBLIC_KEY of the pod is another key than the one of this installation.',
      remedy: `Use the machine or the account of the editor that created the pod, or terminate it and create it from here. ${account}`,
    };
  }
  // The command itself is not shown: it may hold what is secret.
  return hasStartCommand(pod)
    ? {
        why: 'PUBLIC_KEY is right, but the pod has a start command of its own, which replaces the one that starts sshd.',
        remedy: `Create the pod without a start command, or let yours run /start.sh first. ${account}`,
      }
    : {
        why: 'PUBLIC_KEY of the pod is the key of this installation, but the pod does not honour it.',
        remedy: `Its image does not start sshd with that variable, or authorized_keys was changed since. Use an official RunPod image, or start sshd yourself in a custom one. ${account}`,
      };
}

function hasStartCommand(pod: Pod): boolean {
  return [pod.args ?? '', ...pod.entrypoint, ...pod.cmd].some((word) => word !== '');
}
