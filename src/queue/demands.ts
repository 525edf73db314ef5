/** The demands of sweeps on workers, so that one that cannot help is told why it gets nothing. */
import { object, parseJson, text } from '../core/schema.js';
import { queueName, type TrainingDescription } from './job.js';
import type { Store } from './store.js';

type Conditions = Pick<TrainingDescription, 'quern' | 'numerics' | 'backend'>;

/** A demand that was not renewed for so long is of a sweep that has ended or died. */
const freshFor = 120_000;

type Demand = Conditions & { readonly renewed: string };

const checkDemand = object<Demand>({ quern: text(), numerics: text(), backend: text(), renewed: text() }, {});

const nameOf = (conditions: Conditions) => `demands/${queueName(conditions)}.json`;

export async function writeDemand(store: Store, { quern, numerics, backend }: Conditions): Promise<void> {
  const demand = { quern, numerics, backend, renewed: new Date().toISOString() };
  await store.write(nameOf(demand), new TextEncoder().encode(JSON.stringify(demand)));
}

export async function removeDemand(store: Store, conditions: Conditions): Promise<void> {
  await store.remove(nameOf(conditions));
}

/** Why this worker takes nothing of the sweeps that want others: a sentence for each. */
export async function readDemands(store: Store, own: Conditions): Promise<string[]> {
  const refusals: string[] = [];
  for (const name of await store.list('demands/')) {
    if (name === nameOf(own)) continue;
    const bytes = await store.read(name);
    if (bytes === undefined) continue;
    const wanted = parseJson(new TextDecoder().decode(bytes), `${store.name}: ${name}`, checkDemand);
    if (Date.now() - Date.parse(wanted.renewed) > freshFor) continue;
    const differing = (['quern', 'backend', 'numerics'] as const).filter(
      (each) => wanted[each] !== own[each],
    );
    const told = differing.map((each) => `${each} ${String(wanted[each]).slice(0, 80)}, not ${own[each]}`);
    refusals.push(`worker: a sweep wants others, whose results would have other bytes: ${told.join('; ')}`);
  }
  return refusals;
}
