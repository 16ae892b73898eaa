/* Keeps the site's own files, so that it works without a network after the first visit. What the network sends comes first; what
is kept stands in when nothing has come for three seconds. At the build, FILES become the addresses of all pages, pictures and
programs, and BUILD changes with any of them. */

const FILES = [], BUILD = "", PATIENCE = 3000;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(BUILD).then((cache) => cache.addAll(FILES)));
});

addEventListener("activate", (event) => event.waitUntil(caches.keys().then((names) =>
  Promise.all([clients.claim(), ...names.filter((name) => ![BUILD, "rows"].includes(name)).map((name) => caches.delete(name))]))));

addEventListener("fetch", (event) => {
  const { request } = event, ours = request.url.startsWith(registration.scope);
  if (ours && request.method === "GET") event.respondWith(answer(request));
});

async function answer(request) {
  const kept = await caches.match(request.url.replace(/[?#].*/, ""));
  if (kept && request.url.endsWith(".safetensors")) return kept; // the visitor has asked for all rows: none is asked for any more
  const sent = fetch(request);
  if (!kept) return sent;
  const late = new Promise((done) => setTimeout(done, PATIENCE, kept));
  return Promise.race([sent.catch(() => kept), late]);
}
