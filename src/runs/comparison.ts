/** Compares several seeds of several recipes with published numbers. */
import { judge, type PublishedReference, type Verdict } from './references.js';
import type { TrainingResult } from './result.js';
import { type Sample, summarizeSample } from './statistics.js';

/** One recipe's trainings, those that came to an end and those that did not. */
export interface RecipeTrainings {
  readonly recipe: string;
  readonly title: string;
  readonly dataset: string;
  /** The test accuracy that the recipe promises, 0 to 1. */
  readonly target?: number | undefined;
  readonly results: readonly TrainingResult[];
  readonly failures: readonly { readonly seed: number; readonly reason: string }[];
}

interface JudgedReference extends PublishedReference {
  readonly verdict: Verdict;
}

/** The verdict on one recipe. Accuracies are shares from 0 to 1, those of references percentages as published. */
export interface RecipeComparison extends Omit<RecipeTrainings, 'results' | 'target'> {
  readonly parameters: number | null;
  /** For one image, forward. */
  readonly multiplyAdds: number | null;
  readonly seeds: readonly {
    readonly seed: number;
    readonly testAccuracy: number;
    readonly testLoss: number | null;
    readonly epochs: number;
    readonly trainSeconds: number;
    readonly weightsSha256: string;
    readonly model: string;
  }[];
  /** Of the test accuracies; null where no training came to its end. */
  readonly accuracy: Sample | null;
  readonly trainSeconds: Sample | null;
  /** The backends that really ran, each once. */
  readonly backends: readonly string[];
  readonly target: number | null;
  /** The mean reaches it; null where it is not judged: other settings, or seeds that failed. */
  readonly targetMet: boolean | null;
  /** The published accuracies of the same dataset, the best first. */
  readonly references: readonly JudgedReference[];
}

/**
 * Judges a recipe.
 *
 * @param own whether it was trained with its own settings on all images: otherwise neither target nor references are
 *   judged
 */
export function compareRecipe(
  { results, target, ...trainings }: RecipeTrainings,
  references: readonly PublishedReference[],
  own: boolean,
): RecipeComparison {
  const measured = results.flatMap((result) =>
    result.testAccuracy === null ? [] : [{ ...result, testAccuracy: result.testAccuracy }],
  );
  const accuracy =
    measured.length === 0
      ? null
      : summarizeSample(
          measured.map(({ testAccuracy }) => testAccuracy),
          [0, 1],
        );
  const [first] = measured;
  // A single run says nothing of the spread over seeds: the interval of its test images is the least that is uncertain.
  const interval = accuracy?.interval ?? first?.testInterval ?? null;
  const complete = own && trainings.failures.length === 0;
  return {
    ...trainings,
    parameters: first?.parameters ?? null,
    multiplyAdds: first?.multiplyAdds ?? null,
    seeds: measured.map(({ seed, testAccuracy, testLoss, epochs, trainSeconds, weightsSha256, model }) => ({
      seed,
      testAccuracy,
      testLoss,
      epochs,
      trainSeconds,
      weightsSha256,
      model,
    })),
    accuracy,
    trainSeconds:
      accuracy === null ? null : summarizeSample(measured.map(({ trainSeconds }) => trainSeconds)),
    backends: [
      ...new Set(
        measured.map(({ backend, threads, numerics }) => `${backend}, threads ${threads}, ${numerics}`),
      ),
    ],
    target: target ?? null,
    targetMet: accuracy === null || target === undefined || !complete ? null : accuracy.mean >= target,
    references:
      accuracy === null || !own
        ? []
        : references.map((each) => ({
            ...each,
            verdict: judge({ ...accuracy, interval }, each.testAccuracy / 100),
          })),
  };
}
