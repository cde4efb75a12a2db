/** Which tasks a worker leaves to others, because the encode was asked of another version of the code (jobs/renew.ts). */
import type { Task } from '../jobs/messages.ts';
import { jobKeys } from '../jobs/names.ts';
import { taskName } from '../jobs/progress.ts';
import type { ObjectStore } from '../jobs/store.ts';
import { RECIPE_VERSION } from '../video/settings.ts';

/** They encode nothing: what an older version encoded, they put together as well as their own. */
const ENCODES_NOTHING: readonly Task['kind'][] = ['publish', 'download'];

/** A task that is not this worker's to do. */
export class OtherRecipeError extends Error {
  override readonly name = 'OtherRecipeError';
  /** Whether this worker's code is the older one. */
  readonly isNewer: boolean;

  constructor(recipe: number) {
    super(`The encode is of recipe ${recipe}, and this worker of ${RECIPE_VERSION}`);
    this.isNewer = recipe > RECIPE_VERSION;
  }
}

function isMade(uploads: ObjectStore, task: Task): Promise<boolean> {
  const { video, revision } = task;
  const key =
    task.kind === 'plan' ? jobKeys.plan(video, revision) : jobKeys.receipt(video, revision, taskName(task));
  return uploads.exists(key);
}

/**
 * @param recipe of the code that the task's encode was asked of
 * @throws an `OtherRecipeError` where the task would go on with what other code began, or is of newer code altogether
 */
export async function assertRecipe(uploads: ObjectStore, task: Task, recipe: number): Promise<void> {
  if (recipe === RECIPE_VERSION) return;
  const mayFollow = recipe < RECIPE_VERSION;
  if (mayFollow && (ENCODES_NOTHING.includes(task.kind) || (await isMade(uploads, task)))) return;
  throw new OtherRecipeError(recipe);
}
