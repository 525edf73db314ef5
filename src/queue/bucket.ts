/** A store in a bucket of S3, or of a server that speaks its language. */
import { createHash, createHmac } from 'node:crypto';
import { BackendError, properAddress, UsageError, withoutSecrets } from '../core/errors.js';
import { checkStoreName, type Store } from './store.js';

interface Credentials {
  readonly key: string;
  readonly secret: string;
  readonly token?: string | undefined;
  readonly region: string;
}

interface Signed {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** `20130524T000000Z` */
  readonly time: string;
}

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: Uint8Array | string, text: string) => createHmac('sha256', key).update(text).digest();

/** RFC 3986: what `encodeURIComponent` leaves of reserved characters too. */
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The header `authorization` of a request: AWS Signature Version 4, of service s3. */
export function authorization(
  { method, url, headers, body, time }: Signed,
  { key, secret, region }: Credentials,
): string {
  const signed: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...headers,
  };
  const names = Object.keys(signed).sort();
  const query = [...url.searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const canonical = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${signed[name]!.trim()}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  const signing = ['s3', 'aws4_request'].reduce<Uint8Array>(
    hmac,
    hmac(hmac(`AWS4${secret}`, time.slice(0, 8)), region),
  );
  const signature = createHmac('sha256', signing).update(text).digest('hex');
  return `AWS4-HMAC-SHA256 Credential=${key}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`;
}

function credentialsOf(environment: NodeJS.ProcessEnv): Credentials {
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment;
  if (key === undefined || secret === undefined) {
    throw new UsageError('--store s3: the keys of the bucket are missing', {
      hint: 'Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; AWS_ENDPOINT_URL_S3 for another server than Amazon.',
    });
  }
  return {
    key,
    secret,
    token,
    region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1',
  };
}

const attempts = 5;

class Bucket implements Store {
  constructor(
    readonly name: string,
    /** Ends in a slash. */
    private readonly base: URL,
    private readonly prefix: string,
    private readonly credentials: Credentials,
  ) {}

  async read(name: string): Promise<Uint8Array | undefined> {
    const answer = await this.request('GET', this.urlOf(name));
    return answer.status === 404 ? undefined : new Uint8Array(await answer.arrayBuffer());
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.request('PUT', this.urlOf(name), bytes);
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    const answer = await this.request('PUT', this.urlOf(name), bytes, { 'if-none-match': '*' });
    return answer.status !== 412;
  }

  async remove(name: string): Promise<void> {
    await this.request('DELETE', this.urlOf(name));
  }

  async list(start: string): Promise<string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      const url = new URL(this.base);
      url.searchParams.set('list-type', '2');
      url.searchParams.set('prefix', `${this.prefix}${start}`);
      if (token !== undefined) url.searchParams.set('continuation-token', token);
      const text = await (await this.request('GET', url)).text();
      for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) names.push(key!.slice(this.prefix.length));
      token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1];
    } while (token !== undefined);
    return names;
  }

  async close(): Promise<void> {}

  private urlOf(name: string): URL {
    return new URL(`${this.prefix}${checkStoreName(name)}`, this.base);
  }

  /** Tries again where the server is busy or cannot be reached. 404 and 412 are answers. */
  private async request(
    method: string,
    url: URL,
    body: Uint8Array = new Uint8Array(),
    extra: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { token } = this.credentials;
    const headers = { ...extra, ...(token !== undefined && { 'x-amz-security-token': token }) };
    let fault = '';
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
      const time = new Date().toISOString().replace(/[:-]|\.\d+/g, '');
      const sent = {
        ...headers,
        'x-amz-content-sha256': sha256(body),
        'x-amz-date': time,
        authorization: authorization({ method, url, headers, body, time }, this.credentials),
      };
      try {
        const answer = await fetch(url, {
          method,
          headers: sent,
          ...(method === 'PUT' && { body: Buffer.from(body) }),
        });
        if (answer.ok || answer.status === 404 || answer.status === 412) return answer;
        fault = `${answer.status} ${/<Code>([^<]*)</.exec(await answer.text())?.[1] ?? answer.statusText}`;
        if (answer.status < 500 && answer.status !== 429) break;
      } catch (error) {
        fault = (error as Error).message;
      }
    }
    throw new BackendError(`${this.name}: ${method} failed: ${fault}`);
  }
}

/** Keys in it would be shown with every fault. */
function checkEndpoint(endpoint: string): void {
  const { protocol = '', username, password } = properAddress(endpoint) ?? {};
  if (/^https?:$/.test(protocol) && username === '' && password === '') return;
  throw new UsageError(`AWS_ENDPOINT_URL_S3: not the address of a server: ${withoutSecrets(endpoint)}`, {
    hint: 'Such as https://10.0.0.5:9000; the keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  });
}

/** `s3://bucket/folder`, with the keys that the environment holds. Throws UsageError where they are missing. */
export function openBucket(address: string, environment: NodeJS.ProcessEnv = process.env): Store {
  const [, bucket, folder = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]+)\/?([\w./-]*)$/.exec(address) ?? [];
  if (bucket === undefined)
    throw new UsageError(`--store: not a bucket: ${withoutSecrets(address)}: it is s3://bucket/folder`);
  const credentials = credentialsOf(environment);
  const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const base =
    endpoint === undefined
      ? new URL(`https://${bucket}.s3.${credentials.region}.amazonaws.com/`)
      : new URL(`${endpoint.replace(/\/$/, '')}/${bucket}/`);
  const prefix = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`;
  return new Bucket(address, base, prefix, credentials);
}
