import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** Modules through which a program talks to a server. */
const client = /[/"](?:socket|ssl)\.py"|\/(?:urllib3?|http|requests|httpx|httpcore|aiohttp|fsspec)\//;
const slow = {
  what: 'A server did not answer in time.',
  why: 'The server is slow or cannot be reached from this host.',
  next: 'Run again from this step; what takes long can be loaded in an earlier step or uploaded with the project.',
};

const kinds: readonly { what: string; why: string; next: string; patterns: readonly RegExp[] }[] = [
  {
    what: 'A name of the internet could not be found from the pod.',
    why: 'The name is misspelt, or the resolver of the host had a failure.',
    next: 'Check the address that the line names; if it is right, run again from this step, which may rent another host.',
    patterns: [
      /gaierror: \[Errno -\d\]|\[Errno -[235]\] (?:Name or service not known|Temporary failure|No address)/,
      /NameResolutionError|Temporary failure in name resolution|Could not resolve host|Name or service not known/i,
    ],
  },
  {
    what: 'The certificate of a server was not accepted.',
    why: 'It has expired, is made by an authority that the image does not know, or belongs to another name.',
    next: 'Check the address; for an authority of your own give the image its certificate. An image that is old may need newer "ca-certificates".',
    patterns: [/CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError|SSL certificate problem/i],
  },
  {
    what: 'A server refused the connection.',
    why: 'Nothing listens at the address: the service is down, or the address is one of another machine (127.0.0.1 is the pod itself).',
    next: 'Check the address that the line names and that its service runs.',
    patterns: [/ConnectionRefusedError|Connection refused|Failed to establish a new connection: \[Errno 111\]/i],
  },
  {
    ...slow,
    patterns: [
      /\b(?:ConnectTimeout|ReadTimeout|ReadTimeoutError|ConnectTimeoutError|WriteTimeout)\b/,
      /(?:URLError|ConnectionError|requests|urllib|http|socket)\S*.*(?:timed out|Connection timed out)/i,
      /^TimeoutError: (?:\[Errno 110\] Connection timed out|The (?:read|handshake) operation timed out)/,
      /^curl: \(28\)/,
    ],
  },
  {
    what: 'A connection was cut.',
    why: 'The other end or the network between closed it before everything had come.',
    next: 'Run again from this step. What fails often is better loaded with a client that goes on where it stopped.',
    patterns: [
      /ConnectionResetError|Connection reset by peer|RemoteDisconnected|IncompleteRead|Connection aborted|ChunkedEncodingError|RemoteProtocolError/i,
      /^curl: \((?:18|52|56)\)|^fatal: (?:early EOF|the remote end hung up unexpectedly)/,
    ],
  },
];

/** The network, or a server, failed a step. */
export const network: Detector = {
  kind: 'network',
  detect: ({ lines, frames }) => {
    for (const { patterns, ...said } of kinds) {
      const hit = lastHit(lines, ...patterns);
      if (hit !== undefined) {
        return { at: hit.at, ...said, evidence: [shown(hit.line)], change: null };
      }
    }
    const late = lastHit(lines, /^(?:socket\.timeout|TimeoutError): timed out$/);
    return late !== undefined && frames.some((frame) => client.test(frame))
      ? { at: late.at, ...slow, evidence: [shown(late.line)], change: null }
      : undefined;
  },
};
