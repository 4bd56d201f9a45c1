import { isRecord } from '@/api/shapes';

/** Keywords that say how a field looks. One of them must be there. */
const SAYS = ['type', 'enum', 'const', 'oneOf', 'anyOf', 'allOf', '$ref', 'properties'];
/** Keywords that the form does not draw, or would draw wrongly. */
const BEYOND = [
  'patternProperties',
  'if',
  'not',
  'prefixItems',
  'dependentSchemas',
  'unevaluatedProperties',
  '$dynamicRef',
];
const DEEPEST = 12;

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function drawn(schema: unknown, root: Record<string, unknown>, depth: number): boolean {
  if (typeof schema === 'boolean') return true;
  if (!isRecord(schema) || depth > DEEPEST) return false;
  if (BEYOND.some((key) => key in schema)) return false;
  if (typeof schema.$ref === 'string') {
    const found = schema.$ref.startsWith('#/') ? at(root, schema.$ref.slice(2)) : undefined;
    return found !== undefined && drawn(found, root, depth + 1);
  }
  if (!SAYS.some((key) => key in schema)) return false;
  const inside = [
    ...Object.values(isRecord(schema.properties) ? schema.properties : {}),
    ...['oneOf', 'anyOf', 'allOf'].flatMap((key) => listed(schema[key])),
    ...('items' in schema ? [schema.items] : []),
    ...(isRecord(schema.additionalProperties) ? [schema.additionalProperties] : []),
  ];
  return inside.every((one) => drawn(one, root, depth + 1));
}

function at(root: unknown, pointer: string): unknown {
  return pointer.split('/').reduce<unknown>((value, part) => (isRecord(value) ? value[part] : undefined), root);
}

/** Whether a form can be drawn for every field of a schema; else its value is edited as JSON. */
export function isDrawable(schema: Record<string, unknown>): boolean {
  return (schema.type === 'object' || 'properties' in schema) && drawn(schema, schema, 0);
}
