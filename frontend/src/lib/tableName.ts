/**
 * Splits `a.b.table` into its parts. A part with dots or other odd characters stands in back-ticks, a back-tick inside of
 * it twice.
 */
export function splitName(name: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let at = 0; at < name.length; at += 1) {
    const char = name.charAt(at);
    if (quoted) {
      if (char !== '`') part += char;
      else if (name.charAt(at + 1) === '`') {
        part += '`';
        at += 1;
      } else quoted = false;
    } else if (char === '`') quoted = true;
    else if (char === '.') {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return [...parts, part];
}

/** The other way round: parts that have other than letters, digits, `_` and `-` in back-ticks. */
export function joinName(parts: string[]): string {
  return parts.map((part) => (/^[\w-]+$/.test(part) ? part : `\`${part.replaceAll('`', '``')}\``)).join('.');
}
