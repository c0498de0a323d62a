// Judges requests to Shopify's Admin API by the vendor's own schema.
//
// usage: node validate.mjs FOLDER VERSION < requests
// FOLDER is what up.sh prints. Each line of the input is {"query", "variables", "data"?}: a document, the variables
// it was sent with, and the data that a test had it answered with. The document has to be valid, the variables have to
// be what it takes, and the data exactly what it asks for. Each line is answered with a JSON array of complaints, empty
// when there are none.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';

const [folder, version] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { buildClientSchema, execute, getVariableValues, parse, specifiedRules, validate, Kind, NoDeprecatedCustomRule } = require('graphql');

const introspection = JSON.parse(gunzipSync(readFileSync(`${folder}/admin_${version}.json.gz`)));
const schema = buildClientSchema(introspection.data ?? introspection, { assumeValid: true });

// From 2026-04 these do nothing without a key; the schema does not say so, its descriptions do.
const needsKey = (name) => /idempotency key is required/.test(schema.getMutationType().getFields()[name]?.description ?? '');

// Where the answer's type is open, the document names the only type that is asked for.
const only = (_value, _context, info) => {
  for (const node of info.fieldNodes) {
    for (const part of node.selectionSet.selections) {
      if (part.kind === Kind.INLINE_FRAGMENT) return part.typeCondition.name.value;
    }
  }
};

// What is null may be left out.
const plain = (value) => {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, plain(member)]));
};

const judge = ({ query, variables, data }) => {
  const document = parse(query);
  const complaints = validate(schema, document, [...specifiedRules, NoDeprecatedCustomRule]).map((error) => error.message);
  if (complaints.length > 0) return complaints;
  const operation = document.definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  for (const field of operation.selectionSet.selections) {
    const key = field.directives.find((one) => one.name.value === 'idempotent');
    if (operation.operation === 'mutation' && needsKey(field.name.value) && !key) {
      complaints.push(`${field.name.value} needs @idempotent`);
    }
  }
  const declared = new Set(operation.variableDefinitions.map((one) => one.variable.name.value));
  for (const name of Object.keys(variables ?? {})) {
    if (!declared.has(name)) complaints.push(`$${name} is not declared`);
  }
  const { errors } = getVariableValues(schema, operation.variableDefinitions, variables ?? {});
  if (errors) complaints.push(...errors.map((error) => error.message));
  if (data && complaints.length === 0) {
    const result = execute({ schema, document, rootValue: data, variableValues: variables, typeResolver: only });
    complaints.push(...(result.errors ?? []).map((error) => `the answer: ${error.message} at ${error.path?.join('.')}`));
    const [asked, told] = [JSON.stringify(plain(result.data)), JSON.stringify(plain(data))];
    if (complaints.length === 0 && asked !== told) complaints.push(`the answer is not what was asked for: ${told} instead of ${asked}`);
  }
  return complaints;
};

for await (const line of createInterface({ input: process.stdin })) {
  let complaints;
  try {
    complaints = judge(JSON.parse(line));
  } catch (error) {
    complaints = [String(error.message)];
  }
  console.log(JSON.stringify(complaints));
}
