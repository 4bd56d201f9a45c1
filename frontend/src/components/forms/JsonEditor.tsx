import type { RJSFSchema } from '@rjsf/utils';
import { useId, useState } from 'react';

import type { FieldError } from '@/api/problem';
import { isRecord } from '@/api/shapes';

import { mistakes } from './validator';

function check(text: string, schema: RJSFSchema): { value: Record<string, unknown> | null; told: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text || '{}');
  } catch (error) {
    return { value: null, told: [error instanceof Error ? error.message : 'This is no JSON.'] };
  }
  if (!isRecord(value)) return { value: null, told: ['An object is needed: {"name": value}.'] };
  try {
    return { value, told: mistakes(schema, value).map((one) => one.stack) };
  } catch {
    // A schema that can't be read here is still read by the server, which then tells what is wrong.
    return { value, told: [] };
  }
}

interface JsonEditorProps {
  schema: RJSFSchema;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>, valid: boolean) => void;
  problems: FieldError[];
  disabled?: boolean;
}

/** The value as JSON, checked while it is typed. */
export function JsonEditor({ schema, value, onChange, problems, disabled }: JsonEditorProps) {
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const { told } = check(text, schema);
  const all = [...told, ...problems.map(({ pointer, detail }) => `${pointer} ${detail}`.trim())];
  const id = useId();
  const change = (next: string) => {
    setText(next);
    const checked = check(next, schema);
    onChange(checked.value ?? value, checked.value !== null && checked.told.length === 0);
  };
  return (
    <div>
      <label htmlFor={id} className="eyebrow">
        Values as JSON
      </label>
      <textarea
        id={id}
        value={text}
        disabled={disabled}
        onChange={(event) => change(event.target.value)}
        spellCheck={false}
        rows={Math.min(16, Math.max(6, text.split('\n').length))}
        aria-invalid={all.length > 0}
        aria-describedby={`${id}-told`}
        className="mt-1 block w-full rounded-md border border-input bg-card p-2.5 font-mono text-[0.8125rem] aria-invalid:border-bad"
      />
      <ul id={`${id}-told`} className="mt-1 text-[0.8125rem] text-bad" aria-live="polite">
        {all.map((one) => (
          <li key={one} className="break-words">
            {one}
          </li>
        ))}
      </ul>
    </div>
  );
}
