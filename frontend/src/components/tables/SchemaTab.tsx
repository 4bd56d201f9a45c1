import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { KeyRound, Minus, Pencil, Plus } from 'lucide-react';
import type { ReactNode } from 'react';

import type { Schemas } from '@/api/client';
import { tableSchema } from '@/api/tables';
import { ClampedText } from '@/components/common/ClampedText';
import { CopyButton } from '@/components/common/CopyButton';
import { ErrorState } from '@/components/common/ErrorState';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { useMay } from '@/hooks/useSession';
import { plural } from '@/lib/format';

import type { TabProps } from './tabs';

type Field = Schemas['SchemaField'];

/** Opens an operation on the schema with these arguments; the plan says what it breaks, at once where it needs no more. */
function Change({
  op,
  args,
  plan,
  label,
  children,
  name,
  catalog,
}: TabProps & { op: string; args: object; plan?: boolean; label: string; children: ReactNode }) {
  return (
    <Button asChild variant="ghost" size="icon-sm">
      <Link
        to="/tables/$name/$tab"
        params={{ name, tab: 'operations' }}
        search={{ catalog, op, args: JSON.stringify(args), plan }}
        aria-label={label}
        title={label}
      >
        {children}
      </Link>
    </Button>
  );
}

interface RowsProps extends TabProps {
  depth: number;
  may: boolean;
  /** Has a name of its own: what is in a list or map is named by Iceberg, and can't be renamed or dropped by itself. */
  own: boolean;
  /** What the layout of the table goes by, by the path of the column. */
  uses: ReadonlyMap<string, string[]>;
}

/** What goes by a column and so decides what a change of it breaks. */
function usesOf(schema: Schemas['TableSchema']): Map<string, string[]> {
  const uses = new Map<string, string[]>();
  const add = (path: string, use: string) => {
    const known = uses.get(path) ?? [];
    if (!known.includes(use)) uses.set(path, [...known, use]);
  };
  for (const by of schema.partitioning) if (by.transform !== 'void') add(by.source, 'partition');
  for (const by of schema.sorting) add(by.source, 'sort order');
  for (const key of Object.keys(schema.properties)) {
    const path = key.split('.column.')[1];
    if (path) add(path, 'property');
  }
  return uses;
}

function FieldRows({ fields, ...rest }: RowsProps & { fields: Field[] }) {
  return fields.map((field) => <FieldRow key={field.id} field={field} {...rest} />);
}

function FieldRow({ field, depth, may, own, uses, ...table }: RowsProps & { field: Field }) {
  return (
    <>
      <tr className="group border-b border-border last:border-0">
        <th scope="row" className="py-1.5 pr-3 pl-4 text-left font-medium">
          <span className="flex items-center gap-1.5" style={{ paddingLeft: depth * 18 }}>
            <span className="truncate" title={field.path}>
              {field.name}
            </span>
            {field.identifier && (
              <KeyRound aria-label="identifier field" className="size-3.5 shrink-0 text-muted-foreground" />
            )}
            {uses.get(field.path)?.map((use) => (
              <Badge key={use} tone="plain" title={`A ${use} goes by this column`} className="shrink-0 max-sm:hidden">
                {use}
              </Badge>
            ))}
          </span>
        </th>
        <td className="px-3 py-1.5">
          <code className="text-[0.8125rem] break-words">
            {field.fields.length > 0 ? field.type.split(/[<(]/)[0] : field.type}
          </code>
          {field.required && <span className="ml-2 text-xs text-muted-foreground">required</span>}
        </td>
        <td className="px-3 py-1.5 text-muted-foreground max-md:hidden">
          {field.doc && <ClampedText text={field.doc} />}
        </td>
        <td className="w-20 py-0.5 pr-3 text-right whitespace-nowrap">
          {may && own && (
            <>
              <Change op="rename-column" args={{ path: field.path }} label={`Rename ${field.path}`} {...table}>
                <Pencil />
              </Change>
              <Change op="drop-column" args={{ path: field.path }} plan label={`Drop ${field.path}`} {...table}>
                <Minus />
              </Change>
            </>
          )}
        </td>
      </tr>
      <FieldRows
        fields={field.fields}
        depth={depth + 1}
        may={may}
        own={!/^(list|map)\b/.test(field.type)}
        uses={uses}
        {...table}
      />
    </>
  );
}

function Changes({ change, current }: { change: Schemas['SchemaChange']; current: boolean }) {
  const told = [
    ...change.added.map((path) => ({ key: `+${path}`, tone: 'good' as const, text: `+ ${path}` })),
    ...change.dropped.map((path) => ({ key: `-${path}`, tone: 'bad' as const, text: `− ${path}` })),
    ...change.renamed.map(({ from, to }) => ({ key: `r${from}`, tone: 'info' as const, text: `${from} → ${to}` })),
    ...change.retyped.map(({ path, from, to }) => ({
      key: `t${path}`,
      tone: 'warn' as const,
      text: `${path}: ${from} → ${to}`,
    })),
  ];
  return (
    <li className="flex gap-3 border-b border-border px-4 py-2 last:border-0">
      <span className="w-20 shrink-0 whitespace-nowrap text-muted-foreground">
        schema {change.schema_id}
        {current && <span className="block text-xs text-foreground">current</span>}
      </span>
      <span className="flex min-w-0 flex-wrap gap-1">
        {told.slice(0, 60).map(({ key, tone, text }) => (
          <Badge key={key} tone={tone} className="max-w-full truncate">
            {text}
          </Badge>
        ))}
        {told.length > 60 && <span className="text-xs text-muted-foreground">and {told.length - 60} more</span>}
        {told.length === 0 && <span className="text-muted-foreground">no change of columns</span>}
      </span>
    </li>
  );
}

function ToCopy({ term, text, label }: { term: string; text: string; label: string }) {
  return (
    <div>
      <dt className="eyebrow">{term}</dt>
      <dd className="mt-0.5 break-all">
        <code className="text-xs">{text}</code>
        <CopyButton text={text} label={label} className="ml-1 align-middle" />
      </dd>
    </div>
  );
}

function Layout({ schema }: { schema: Schemas['TableSchema'] }) {
  const properties = Object.entries(schema.properties);
  return (
    <Section
      title="Layout"
      aside={<span className="text-muted-foreground">format version {schema.format_version}</span>}
    >
      <dl className="space-y-3 p-4">
        <div>
          <dt className="eyebrow">Partitioned by</dt>
          <dd className="mt-0.5">
            {schema.partitioning.map((by) => (
              <code key={by.name} className="mr-2 text-[0.8125rem]">
                {by.transform === 'identity' ? by.source : `${by.transform}(${by.source})`}
              </code>
            ))}
            {schema.partitioning.length === 0 && <span className="text-muted-foreground">nothing</span>}
          </dd>
        </div>
        <div>
          <dt className="eyebrow">Sorted by</dt>
          <dd className="mt-0.5">
            {schema.sorting.map((by) => (
              <code key={by.source + by.transform} className="mr-2 text-[0.8125rem]">
                {by.transform === 'identity' ? by.source : `${by.transform}(${by.source})`} {by.direction}{' '}
                {by.null_order}
              </code>
            ))}
            {schema.sorting.length === 0 && <span className="text-muted-foreground">nothing</span>}
          </dd>
        </div>
        <ToCopy term="Location" text={schema.location} label="Copy the location" />
        {schema.uuid && <ToCopy term="UUID" text={schema.uuid} label="Copy the UUID" />}
        {properties.length > 0 && (
          <div>
            <dt className="eyebrow">Properties</dt>
            {properties.map(([key, value]) => (
              <dd key={key} className="mt-1 flex flex-wrap justify-between gap-x-4 break-all">
                <code className="text-xs text-muted-foreground">{key}</code>
                <code className="text-xs">{value}</code>
              </dd>
            ))}
          </div>
        )}
      </dl>
    </Section>
  );
}

/** Columns, nested; how rows are laid out; and every schema that the table had. */
export default function SchemaTab({ name, catalog }: TabProps) {
  const schema = useQuery(tableSchema(name, catalog));
  const may = useMay('operator');
  if (schema.isError && !schema.data) {
    return <ErrorState error={schema.error} title="The schema can’t be shown" retry={() => void schema.refetch()} />;
  }
  if (schema.data?.table !== name) {
    return (
      <div className="card">
        <SkeletonRows rows={10} height={36} label="The schema is being read" />
      </div>
    );
  }
  const current = schema.data.schema_id;
  const add = may && (
    <Button asChild variant="outline" size="sm">
      <Link to="/tables/$name/$tab" params={{ name, tab: 'operations' }} search={{ catalog, op: 'add-column' }}>
        <Plus /> Add a column
      </Link>
    </Button>
  );
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
      <Section title={plural(schema.data.fields.length, 'column')} aside={add}>
        <table className="w-full table-fixed">
          <thead className="[&_th]:h-0 [&_th]:overflow-hidden [&_th]:p-0 [&_th]:text-[0px] [&_th]:leading-0">
            <tr>
              <th scope="col" className="md:w-[28%]">
                Column
              </th>
              <th scope="col" className="w-[22%] max-md:w-[34%]">
                Type
              </th>
              <th scope="col" className="max-md:hidden">
                Comment
              </th>
              <th scope="col" className="w-20">
                Change
              </th>
            </tr>
          </thead>
          <tbody>
            <FieldRows
              fields={schema.data.fields}
              depth={0}
              may={may}
              own
              uses={usesOf(schema.data)}
              name={name}
              catalog={catalog}
            />
          </tbody>
        </table>
      </Section>
      <div className="grid gap-4">
        <Layout schema={schema.data} />
        <Section title="How it changed">
          <ol>
            {schema.data.schemas.toReversed().map((change) => (
              <Changes key={change.schema_id} change={change} current={change.schema_id === current} />
            ))}
          </ol>
        </Section>
      </div>
    </div>
  );
}
