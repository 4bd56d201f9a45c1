import { enumOptionValueDecoder, enumOptionValueEncoder, type WidgetProps } from '@rjsf/utils';

/** A native select: it has the platform's keys and its picker on a phone, and is read out right everywhere. */
export function SelectWidget(props: WidgetProps<unknown>) {
  const value: unknown = props.value;
  const { id, options, required, disabled, readonly, onChange, onBlur, onFocus, rawErrors } = props;
  const { enumOptions } = options;
  const emptyValue: unknown = options.emptyValue;
  const indexes = enumOptions?.findIndex((option) => option.value === value) ?? -1;
  const decode = (text: string): unknown => enumOptionValueDecoder(text, enumOptions, 'indexed', emptyValue);
  return (
    <select
      id={id}
      name={id}
      required={required}
      disabled={Boolean(disabled) || Boolean(readonly)}
      aria-invalid={rawErrors && rawErrors.length > 0 ? true : undefined}
      value={indexes >= 0 ? enumOptionValueEncoder(value, indexes, 'indexed') : ''}
      onChange={(event) => onChange(decode(event.target.value))}
      onBlur={(event) => onBlur(id, decode(event.target.value))}
      onFocus={(event) => onFocus(id, decode(event.target.value))}
      className="h-8.5 w-full rounded-md border border-input bg-card px-2 text-sm"
    >
      {indexes < 0 && <option value="">–</option>}
      {enumOptions?.map((option, at) => (
        <option key={option.label} value={enumOptionValueEncoder(option.value, at, 'indexed')}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
