import { client, idempotencyKey, type Schemas } from './client';
import { ApiProblem } from './problem';

function unexpected(): ApiProblem {
  return new ApiProblem(0, 'answer-not-understood', 'the server answered something else than was asked for', '');
}

export interface Asked {
  operation: string;
  table: string;
  catalog: string | undefined;
  arguments: Record<string, unknown>;
}

/** Plans an operation; changes nothing. */
export async function planOperation({
  operation,
  table,
  catalog,
  arguments: args,
}: Asked): Promise<Schemas['PlanView']> {
  const { data } = await client.POST('/api/operations/{id}', {
    params: { path: { id: operation }, query: catalog ? { catalog } : {} },
    body: { table, arguments: args, dry_run: true },
  });
  if (!data || !('plan' in data)) throw unexpected();
  return data.plan;
}

/** Runs exactly this plan. A click that is sent twice starts one job. */
export async function runPlan(
  plan: Pick<Schemas['PlanView'], 'id' | 'operation' | 'table' | 'catalog'>,
): Promise<Schemas['JobView']> {
  const { data } = await client.POST('/api/operations/{id}', {
    params: { path: { id: plan.operation }, query: { catalog: plan.catalog } },
    headers: { 'Idempotency-Key': idempotencyKey() },
    body: { table: plan.table, plan: plan.id },
  });
  if (!data || !('job' in data)) throw unexpected();
  return data.job;
}
