const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** An answer of the API that is not a success (RFC 9457), thrown from anywhere below a route. */
export class Problem extends Error {
  readonly status: number;
  readonly detail: string;
  readonly errors: string[] | undefined;
  readonly headers: Record<string, string>;

  constructor(status: number, detail: string, more: { errors?: string[]; headers?: Record<string, string> } = {}) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }

  /** The problem+json body. */
  body(): { title: string; status: number; detail: string; errors?: string[] } {
    const body = { title: titles[this.status] ?? 'Error', status: this.status, detail: this.detail };
    return this.errors === undefined ? body : { ...body, errors: this.errors };
  }
}

/** The live text of a refused placement; it carries no machine-readable code. */
export const noInstances = (): Problem =>
  new Problem(
    400,
    'There are no longer any instances available with the requested specifications. Please refresh and try again.',
  );

export const noFreeGpus = (): Problem =>
  new Problem(400, 'There are not enough free GPUs on the host machine to start this pod');

export const notFound = (what: string): Problem => new Problem(404, `${what} not found`);
