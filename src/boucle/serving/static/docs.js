// Shows the description of this very server. Where it asks for a key, so does this page, and sends it along.
"use strict";

async function described(key) {
  const answer = await fetch("openapi.json", key ? { headers: { "x-api-key": key } } : {});
  if (answer.status !== 401 && answer.status !== 403) return { key, spec: await answer.json() };
  const given = window.prompt("This server asks for a key (x-api-key).");
  return given ? described(given) : { key, spec: null };
}

described("").then(({ key, spec }) => {
  if (spec === null) {
    document.getElementById("page").textContent = "Without a key there is nothing to show.";
    return;
  }
  const base = new URL(".", window.location.href).pathname.replace(/\/$/, "");
  const told = Object.keys(spec.paths).some((path) => path.startsWith(`${base}/`)); // where it is mounted stands in its paths
  spec.servers = [{ url: told || !base ? "/" : base }];
  const requestInterceptor = (request) => {
    if (key) request.headers["x-api-key"] = key;
    return request;
  };
  window.SwaggerUIBundle({ spec, domNode: document.getElementById("page"), validatorUrl: null, requestInterceptor });
});
