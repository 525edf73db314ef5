/** The service worker: keeps the site for times without a network, and isolates it on hosts that set no headers. */

const tried = 'quern-studio-isolated';

/** Registers it. Reloads once where the page could be isolated and is not. */
export async function registerServiceWorker(): Promise<void> {
  const container = navigator.serviceWorker;
  if (container === undefined || !isSecureContext) return;
  try {
    await container.register(new URL('./sw.js', import.meta.url));
    await container.ready;
  } catch {
    // in private windows of some browsers there are none: all works, on one thread and with a network
    return;
  }
  // in a frame it is the outer page that decides
  if (crossOriginIsolated || window.top !== window || sessionStorage.getItem(tried) !== null) return;
  sessionStorage.setItem(tried, 'yes');
  location.reload();
}
