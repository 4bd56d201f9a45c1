import { useMutation, useQuery } from '@tanstack/react-query';
import { RotateCcw, Save } from 'lucide-react';
import { lazy, useMemo, useState } from 'react';

import type { Schemas } from '@/api/client';
import { configQuery, putPluginConfig } from '@/api/config';
import { asProblem } from '@/api/problem';
import { askAnew } from '@/api/queryClient';
import { isRecord, text } from '@/api/shapes';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { NewVersion } from '@/components/common/NewVersion';
import { RoleButton } from '@/components/common/RoleButton';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { useMay } from '@/hooks/useSession';
import { notify } from '@/lib/notices';

const SchemaForm = lazy(() => import('@/components/forms/SchemaForm'));

type Plugin = Schemas['PluginDetail'];
type Values = Record<string, unknown>;

/** The schema of what an operator may change; none where the plugin takes nothing. */
function schemaOf(plugin: Plugin): Values | null {
  const rule: unknown = Reflect.get(plugin.descriptors, 'health-rule');
  const schema = isRecord(rule) ? rule.schema : null;
  return isRecord(schema) && isRecord(schema.properties) && Object.keys(schema.properties).length > 0 ? schema : null;
}

function defaults(schema: Values): Values {
  const fields = isRecord(schema.properties) ? schema.properties : {};
  const known = Object.entries(fields).filter(([, field]) => isRecord(field) && 'default' in field);
  return Object.fromEntries(known.map(([key, field]) => [key, isRecord(field) ? field.default : null]));
}

/** What the operator set before, and every value that is another one now. */
function toSet(before: Values, start: Values, value: Values): Values {
  const changed = Object.entries(value).filter(([key, one]) => JSON.stringify(one) !== JSON.stringify(start[key]));
  return { ...before, ...Object.fromEntries(changed) };
}

/** The values that a plugin takes, as a form. It keeps the version that it was opened with. */
export default function PluginConfig({ plugin: current }: { plugin: Plugin }) {
  const [plugin, keep] = useState(current);
  const schema = useMemo(() => schemaOf(plugin), [plugin]);
  const start = useMemo(() => ({ ...(schema && defaults(schema)), ...plugin.config }), [schema, plugin]);
  const [value, setValue] = useState<Values>(start);
  const config = useQuery(configQuery);
  const admin = useMay('admin');
  const stored = config.data?.settings.plugins[plugin.id]?.config;

  const save = useMutation({
    mutationFn: async (next: Values | null) => {
      if (config.data) await putPluginConfig(config.data, plugin.id, next);
    },
    onSuccess: async (_, next) => {
      notify({
        tone: 'good',
        title: next ? `${plugin.id} has its new values` : `${plugin.id} has its own values again`,
      });
      await askAnew({ queryKey: ['get', '/api/plugins/{id}'] });
    },
    // Also after 412: the next try then names the settings as they are now.
    onSettled: () => askAnew({ queryKey: configQuery.queryKey }),
  });

  if (!schema) {
    return (
      <Section title="Configuration">
        <EmptyState icon={Save} title="There is nothing to set">
          {text(plugin.title) || plugin.id} takes no values of an operator.
        </EmptyState>
      </Section>
    );
  }
  if (config.isPending) return <SkeletonRows rows={5} label="The settings are being read" />;
  if (config.isError && !config.data) {
    return <ErrorState error={config.error} title="The settings can’t be read" retry={() => void config.refetch()} />;
  }
  const problem = save.error ? asProblem(save.error) : null;
  const base = `/plugins/${plugin.id}/config`;
  const problems = (problem?.errors ?? [])
    .filter((one) => one.pointer.startsWith(base))
    .map((one) => ({ ...one, pointer: one.pointer.slice(base.length) }));
  const schemas = {
    before: { plugin: refOf(plugin), schema },
    after: { plugin: refOf(current), schema: schemaOf(current) ?? {} },
  };
  return (
    <Section
      title="Configuration"
      aside={!admin && <span className="text-xs text-muted-foreground">to be changed by an admin</span>}
    >
      <div className="max-w-2xl space-y-4 p-4">
        {current.digest !== plugin.digest && (
          <NewVersion
            {...schemas}
            take={() => {
              keep(current);
              setValue({ ...defaults(schemaOf(current) ?? {}), ...current.config });
            }}
          />
        )}
        {problem && problems.length === 0 && <ErrorState error={problem} title="The values were not taken" />}
        <SchemaForm
          key={plugin.digest}
          id={`config-${plugin.id}`}
          schema={schema}
          value={value}
          onChange={setValue}
          onSubmit={(next) => save.mutate(toSet(stored ?? {}, start, next))}
          problems={problems}
          disabled={!admin || save.isPending}
        >
          <span className="flex flex-wrap gap-2">
            <RoleButton needs="admin" type="submit" disabled={save.isPending}>
              <Save /> {save.isPending ? 'Saving …' : 'Save'}
            </RoleButton>
            {stored && Object.keys(stored).length > 0 && (
              <RoleButton
                needs="admin"
                variant="outline"
                disabled={save.isPending}
                onClick={() => {
                  save.mutate(null);
                  setValue(defaults(schema));
                }}
              >
                <RotateCcw /> Back to its own values
              </RoleButton>
            )}
          </span>
        </SchemaForm>
      </div>
    </Section>
  );
}

function refOf(plugin: Plugin): Schemas['PluginRef'] {
  return { id: plugin.id, version: plugin.version ?? '', digest: plugin.digest ?? '' };
}
