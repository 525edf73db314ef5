/**
 * The service worker of the site, of its own origin and for it alone. It adds the headers that isolate a page (the pattern of
 * coi-serviceworker: https://github.com/gzuidhof/coi-serviceworker), and keeps what was fetched, so that the site works
 * without a network after the first visit. The network goes first: what is kept is for when there is none.
 */
export {};

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope extends EventTarget {
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string };
}

const scope = globalThis as unknown as Scope;
const kept = 'quern-studio-1';
const listen = <E extends Event>(kind: string, handle: (event: E) => void) =>
  scope.addEventListener(kind, handle as EventListener);

/** Everything that a first visit may need later; datasets are kept when they are fetched. */
async function keepSite(): Promise<void> {
  const cache = await caches.open(kept);
  const files: unknown = await (await fetch('./files.json', { cache: 'no-cache' })).json();
  await Promise.allSettled((files as string[]).map((file) => cache.add(file)));
}

listen<Extendable>('install', (event) => {
  void scope.skipWaiting();
  event.waitUntil(keepSite());
});

listen<Extendable>('activate', (event) => {
  const forget = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('quern-studio-') && name !== kept) await caches.delete(name);
    }
    await scope.clients.claim();
  };
  event.waitUntil(forget());
});

/** The response with the headers without which there is no shared memory. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === 'opaque') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(kept).catch(() => undefined);
  try {
    const response = await fetch(request);
    if (response.ok && response.status === 200) {
      const copy = response.clone();
      // a full store keeps nothing more, and all else goes on
      void cache?.put(request, copy).catch(() => {});
    }
    return isolated(response);
  } catch (error) {
    const known = await cache?.match(request, { ignoreSearch: true });
    if (known === undefined) throw error;
    return isolated(known);
  }
}

listen<Fetching>('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(scope.registration.scope)) return;
  event.respondWith(answer(request));
});
