function fields(schema: Record<string, unknown>): Record<string, unknown> {
  const { properties } = schema;
  return typeof properties === 'object' && properties !== null ? { ...properties } : {};
}

export interface SchemaDifference {
  added: string[];
  removed: string[];
  changed: string[];
}

/** Fields that differ between two JSON Schemas of the same thing. */
export function difference(before: Record<string, unknown>, after: Record<string, unknown>): SchemaDifference {
  const [was, is] = [fields(before), fields(after)];
  return {
    added: Object.keys(is).filter((key) => !(key in was)),
    removed: Object.keys(was).filter((key) => !(key in is)),
    changed: Object.keys(is).filter((key) => key in was && JSON.stringify(is[key]) !== JSON.stringify(was[key])),
  };
}
