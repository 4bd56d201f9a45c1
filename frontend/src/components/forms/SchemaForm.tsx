import { withTheme } from '@rjsf/core';
import { Theme } from '@rjsf/shadcn';
import {
  ErrorSchemaBuilder,
  type ErrorSchema,
  type RJSFSchema,
  type TitleFieldProps,
  type UiSchema,
} from '@rjsf/utils';
import { Braces, SlidersHorizontal } from 'lucide-react';
import { Component, useMemo, useState, type ReactNode } from 'react';

import type { FieldError } from '@/api/problem';
import { isRecord } from '@/api/shapes';
import { Button } from '@/components/ui/button';

import { isDrawable } from './drawable';
import { JsonEditor } from './JsonEditor';
import { SelectWidget } from './SelectWidget';
import { validator } from './validator';

import './forms.css';

/** The theme's own is an h5, which no heading above it leads to. */
function TitleField({ id, title }: TitleFieldProps<unknown>) {
  return (
    <h3 id={id} className="mt-2 mb-1 text-[0.8125rem] font-medium">
      {title}
    </h3>
  );
}

const Drawn = withTheme<unknown>({
  ...Theme,
  templates: { ...Theme.templates, TitleFieldTemplate: TitleField },
  widgets: { ...Theme.widgets, SelectWidget },
});

function isSchema(value: unknown): value is RJSFSchema {
  return isRecord(value);
}

/** What the server said of the fields, at the fields. */
function placed(problems: FieldError[]): ErrorSchema<unknown> {
  const builder = new ErrorSchemaBuilder<unknown>();
  for (const { pointer, detail } of problems) {
    const path = pointer
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    builder.addErrors(detail, path);
  }
  return builder.ErrorSchema;
}

/** Where the form itself fails, the value is edited as JSON instead. */
class Fallback extends Component<{ instead: ReactNode; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError() {
    return { failed: true };
  }
  override render() {
    return this.state.failed ? this.props.instead : this.props.children;
  }
}

/** No title a second time, and the buttons are the caller's. */
const LOOK: UiSchema<unknown> = { 'ui:title': '', 'ui:description': '', 'ui:submitButtonOptions': { norender: true } };

export interface SchemaFormProps {
  /** Prefix of the fields' ids. */
  id: string;
  schema: Record<string, unknown>;
  value: Record<string, unknown>;
  /** `byHand`: a person changed it, and not the form that fills defaults in. */
  onChange: (value: Record<string, unknown>, byHand: boolean) => void;
  /** Called with values that fit the schema. */
  onSubmit: (value: Record<string, unknown>) => void;
  /** Mistakes that the server told, pointers into the value. */
  problems: FieldError[];
  disabled?: boolean;
  /** Buttons; one of them of type submit. */
  children: ReactNode;
}

/** A form for any JSON Schema; one that can't be drawn, or who prefers it, gets an editor of JSON with the same checks. */
export default function SchemaForm({
  id,
  schema,
  value,
  onChange,
  onSubmit,
  problems,
  disabled,
  children,
}: SchemaFormProps) {
  const drawable = useMemo(() => isDrawable(schema), [schema]);
  const [raw, setRaw] = useState(!drawable);
  const [valid, setValid] = useState(true);
  const extraErrors = useMemo(() => placed(problems), [problems]);
  if (!isSchema(schema)) return null;

  const editor = (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) onSubmit(value);
      }}
    >
      {!drawable && (
        <p className="mb-2 text-muted-foreground">
          This schema has parts that no form can be drawn for. Its values are edited as JSON and checked all the same.
        </p>
      )}
      <JsonEditor
        schema={schema}
        value={value}
        problems={problems}
        {...(disabled && { disabled })}
        onChange={(next, fits) => {
          setValid(fits);
          onChange(next, true);
        }}
      />
      <div className="mt-4">{children}</div>
    </form>
  );
  const take = (data: unknown, then: (value: Record<string, unknown>) => void) => then(isRecord(data) ? data : {});
  return (
    <div className="schema-form relative">
      {drawable && (
        <Button
          variant="ghost"
          size="icon-sm"
          className="absolute -top-1 right-0 z-10 text-muted-foreground"
          aria-pressed={raw}
          aria-label={raw ? 'Edit in the form' : 'Edit as JSON'}
          title={raw ? 'Edit in the form' : 'Edit as JSON'}
          onClick={() => setRaw(!raw)}
        >
          {raw ? <SlidersHorizontal /> : <Braces />}
        </Button>
      )}
      {raw ? (
        editor
      ) : (
        <Fallback instead={editor}>
          <Drawn
            idPrefix={id}
            schema={schema}
            uiSchema={LOOK}
            validator={validator}
            formData={value}
            extraErrors={extraErrors}
            disabled={disabled ?? false}
            noHtml5Validate
            focusOnFirstError
            showErrorList={false}
            onChange={({ formData }, field) => take(formData, (next) => onChange(next, field !== undefined))}
            onSubmit={({ formData }) => take(formData, onSubmit)}
          >
            <div className="mt-4">{children}</div>
          </Drawn>
        </Fallback>
      )}
    </div>
  );
}
