// Sets how many metadata files a table keeps.
import { invalid, nothing, steps, tableOperation, unchanged } from 'drls-plugin';

// The Iceberg table property that holds the number.
const PROPERTY = 'write.metadata.previous-versions-max';

// Fewer would leave a reader with nothing to go back to.
const FEWEST = 2;

export default tableOperation({
  id: '{{name}}',
  title: '{{title}}',
  summary: 'Sets how many metadata files a table keeps.',
  icon: 'settings',
  // What the caller says: the console draws a form from these properties of a JSON Schema.
  arguments: {
    versions: { type: 'integer', description: 'Old metadata files to keep.' },
  },
  reads: ['properties', 'totals'],

  plan(table, { versions }) {
    const now = new Map(table.properties()).get(PROPERTY);
    return decide(versions, now, unchanged(table.totals()));
  },
});

/**
 * One step, none where the table has that value already.
 * @returns {import('drls-plugin').Plan}
 */
export function decide(versions, now, effect) {
  if (versions < FEWEST) throw invalid(['/versions', `is ${versions}; keep ${FEWEST} or more`]);
  if (now === String(versions)) return nothing(effect, `The table keeps ${versions} already.`);
  return { steps: [steps.setProperties([[PROPERTY, String(versions)]])], effect, reversibility: 'inverse' };
}
