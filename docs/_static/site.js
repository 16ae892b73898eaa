/* Every page: keep the site's files for when there is no network, once this page has all it needs. */

const root = new URL(document.documentElement.dataset.content_root, location);
addEventListener("load", () => setTimeout(() => {
  if (!navigator.connection?.saveData) navigator.serviceWorker?.register(new URL("service_worker.js", root));
}, 5000));
