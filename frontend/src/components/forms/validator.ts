import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import {
  toErrorList,
  toErrorSchema,
  type RJSFSchema,
  type RJSFValidationError,
  type ValidationData,
  type ValidatorType,
} from '@rjsf/utils';

/** Keywords that only lead to the mistake, which has a unit of its own. */
const ON_THE_WAY = new Set([
  'properties',
  'items',
  'prefixItems',
  '$ref',
  'allOf',
  'additionalProperties',
  'patternProperties',
]);

/** The two libraries name the same documents by types of their own. */
function isSchema(schema: object): schema is Schema {
  return !Array.isArray(schema);
}

function reader(schema: object, shortCircuit: boolean): Validator {
  return new Validator(isSchema(schema) ? schema : {}, '2020-12', shortCircuit);
}

function path(location: string): string {
  return location
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map((part) => `.${decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')}`)
    .join('');
}

/** The name of a property that is missing stands in the message only. */
function missing({ error, instanceLocation }: OutputUnit): string {
  const name = /required property "(.+)"/.exec(error)?.[1];
  return path(instanceLocation) + (name ? `.${name}` : '');
}

/** Every mistake of `value`, with the place as rjsf writes places. */
export function mistakes(schema: RJSFSchema, value: unknown): RJSFValidationError[] {
  const { errors } = reader(schema, false).validate(value ?? {});
  return errors
    .filter((unit) => !ON_THE_WAY.has(unit.keyword) || unit.error.startsWith('Property'))
    .filter((unit) => !(ON_THE_WAY.has(unit.keyword) && /does not match/.test(unit.error)))
    .map((unit) => {
      const property = unit.keyword === 'required' ? missing(unit) : path(unit.instanceLocation);
      const message = unit.keyword === 'required' ? 'This is needed.' : unit.error;
      return {
        name: unit.keyword,
        property,
        message,
        stack: `${property} ${message}`.trim(),
        params: {},
        schemaPath: unit.keywordLocation,
      };
    });
}

/**
 * Validates without compiling the schema to code: the usual validator (ajv) calls `new Function`, which the server's
 * Content-Security-Policy forbids.
 */
export const validator: ValidatorType<unknown> = {
  isValid(schema, formData, rootSchema) {
    const whole = { ...schema, $defs: rootSchema.$defs, definitions: rootSchema.definitions };
    try {
      return reader(whole, true).validate(formData ?? {}).valid;
    } catch {
      return false;
    }
  },
  rawValidation(schema, formData) {
    const errors: unknown = mistakes(schema, formData);
    return { errors: Array.isArray(errors) ? errors : [] };
  },
  validateFormData(formData, schema): ValidationData<unknown> {
    const errorSchema = toErrorSchema<unknown>(mistakes(schema, formData));
    return { errors: toErrorList(errorSchema), errorSchema };
  },
};

export default validator;
