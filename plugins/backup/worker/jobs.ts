import { create, type Created, type CreateOrder } from './create.js';
import { fetchSnapshot, type Fetched, type FetchOrder } from './fetch.js';
import { list, type ListedSnapshots, type ListOrder } from './list.js';
import { verify, type Verified, type VerifyOrder } from './verify.js';
import { compare, putIntoDatabase, readService, mergeService, type CompareOrder, type MergeOrder, type PutOrder, type ReadServiceOrder } from './parts.js';
import type { Tell } from '../snapshot/progress.js';

/** Every job: what it takes and what it answers. */
export interface Jobs {
  create: { order: CreateOrder; answer: Created };
  list: { order: ListOrder; answer: ListedSnapshots };
  verify: { order: VerifyOrder; answer: Verified };
  fetch: { order: FetchOrder; answer: Fetched };
  compare: { order: CompareOrder; answer: { same: boolean } };
  readService: { order: ReadServiceOrder; answer: { config: unknown } };
  mergeService: { order: MergeOrder; answer: { text: string } };
  putIntoDatabase: { order: PutOrder; answer: object };
}

export type JobName = keyof Jobs;

export const jobs: { readonly [J in JobName]: (order: Jobs[J]['order'], tell: Tell) => Promise<Jobs[J]['answer']> } = {
  create, list, verify, compare, readService, mergeService, putIntoDatabase,
  fetch: fetchSnapshot,
};
