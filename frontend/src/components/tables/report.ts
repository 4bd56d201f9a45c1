import type { Schemas } from '@/api/client';

export type Report = Schemas['Report'];
